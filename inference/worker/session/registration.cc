#include "inference/worker/session/registration.h"

#include <algorithm>
#include <utility>

namespace sheaf::worker {
namespace {

absl::Duration ToDuration(const google::protobuf::Duration& duration) {
  return absl::Seconds(duration.seconds()) +
         absl::Nanoseconds(duration.nanos());
}

// A server that leaves the terms out, or sends useless ones, must not make the
// worker report in a busy loop or never.
Terms ReadTerms(const v1::WorkerSignal& signal) {
  Terms terms;
  terms.worker = signal.worker();
  terms.secret = signal.secret();
  terms.lease_duration = ToDuration(signal.lease_duration());
  if (terms.lease_duration <= absl::ZeroDuration()) {
    terms.lease_duration = absl::Seconds(30);
  }
  terms.heartbeat_interval = ToDuration(signal.heartbeat_interval());
  if (terms.heartbeat_interval <= absl::ZeroDuration()) {
    terms.heartbeat_interval = terms.lease_duration / 3;
  }
  terms.heartbeat_interval =
      std::max(terms.heartbeat_interval, absl::Milliseconds(10));
  return terms;
}

}  // namespace

absl::StatusOr<std::unique_ptr<Registration>> Registration::Open(
    Client* client, const v1::RegisterWorkerRequest& request, Listener listener,
    CancelSlot* slot) {
  std::unique_ptr<Registration> registration(
      new Registration(client, request, std::move(listener)));
  CancelSlot::Use use(slot, &registration->context_);
  const absl::Status status = registration->AwaitFirstSignal();
  if (!status.ok()) return status;
  return registration;
}

Registration::Registration(Client* client,
                           const v1::RegisterWorkerRequest& request,
                           Listener listener)
    : listener_(std::move(listener)),
      reader_(client->RegisterWorker(&context_, request)),
      thread_([this] { Listen(); }) {}

Registration::~Registration() {
  context_.TryCancel();
  thread_.join();
}

bool Registration::ended() const {
  absl::MutexLock lock(&mutex_);
  return ended_;
}

absl::Status Registration::AwaitFirstSignal() {
  const absl::Time deadline = SteadyClock::Real()->Now() + kCallDeadline;
  absl::MutexLock lock(&mutex_);
  while (!welcomed_ && !ended_ && changed_.WaitUntil(&mutex_, deadline)) {
  }
  if (welcomed_) return absl::OkStatus();
  if (ended_ && !end_.ok()) return end_;
  return absl::UnavailableError("the server does not answer the registration");
}

void Registration::Listen() {
  v1::WorkerSignal signal;
  bool first = true;
  while (reader_->Read(&signal)) {
    if (std::exchange(first, false)) {
      absl::MutexLock lock(&mutex_);
      terms_ = ReadTerms(signal);
      welcomed_ = true;
      changed_.NotifyAll();
    }
    listener_.on_signal(signal);
  }
  const grpc::Status status = reader_->Finish();
  {
    absl::MutexLock lock(&mutex_);
    ended_ = true;
    end_ = absl::Status(static_cast<absl::StatusCode>(status.error_code()),
                        status.error_message());
    changed_.NotifyAll();
  }
  listener_.on_end();
}

}  // namespace sheaf::worker
