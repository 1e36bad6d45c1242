#include "bench/worker_ops.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "bench/payload.h"

namespace sheaf::bench {

absl::StatusOr<std::unique_ptr<WorkerSession>> WorkerSession::Register(
    Client::Connection* connection, int batch_size_max) {
  std::unique_ptr<WorkerSession> session(new WorkerSession);
  session->request_.set_display_name("bench");
  session->request_.add_queues(kQueue);
  session->request_.set_batch_size_max(batch_size_max);
  SetDeadline(&session->context_, absl::Hours(1));
  connection->workers->async()->RegisterWorker(
      &session->context_, &session->request_, session.get());
  session->StartRead(&session->signal_);
  session->StartCall();
  if (!session->named_.WaitForNotificationWithTimeout(kCallTimeout) ||
      session->name_.empty()) {
    return absl::UnavailableError("the server did not register a worker");
  }
  return session;
}

WorkerSession::~WorkerSession() {
  context_.TryCancel();
  over_.WaitForNotification();
}

void WorkerSession::OnReadDone(bool ok) {
  if (!named_.HasBeenNotified()) {
    if (ok) {
      name_ = signal_.worker();
      secret_ = signal_.secret();
    }
    named_.Notify();
  }
  if (ok) StartRead(&signal_);
}

void WorkerSession::OnDone(const grpc::Status&) { over_.Notify(); }

absl::StatusOr<WorkerSessions> RegisterWorkers(Client* client, int count,
                                               int batch_size_max) {
  WorkerSessions sessions;
  for (int i = 0; i < count; ++i) {
    SHEAF_ASSIGN_OR_RETURN(
        auto session, WorkerSession::Register(&client->of(i), batch_size_max));
    sessions.push_back(std::move(session));
  }
  return sessions;
}

LeaseAndFinish::LeaseAndFinish(Client::Connection* connection,
                               const WorkerSession& worker, int runs)
    : stub_(connection->workers.get()), runs_(runs) {
  lease_.set_worker(worker.name());
  lease_.set_worker_secret(worker.secret());
  finish_.set_worker(worker.name());
}

void LeaseAndFinish::Start(Done done) {
  done_ = std::move(done);
  SetDeadline(&context_.emplace());
  leased_.Clear();
  stub_->async()->LeaseBatch(&*context_, &lease_, &leased_,
                             [this](grpc::Status status) { Leased(status); });
}

void LeaseAndFinish::Leased(const grpc::Status& status) {
  const pb::LeasedBatch& batch = leased_.batch();
  if (!status.ok() || batch.runs_size() != runs_) {
    Blame(absl::StrCat("LeaseBatch: ", status.error_message(), " (",
                       batch.runs_size(), " runs)"));
    return Done(std::move(done_))(false);
  }
  finish_.set_batch(batch.name());
  finish_.set_epoch(batch.epoch());
  finish_.set_secret(batch.secret());
  finish_.clear_outcomes();
  for (const pb::LeasedRun& run : batch.runs()) {
    pb::RunOutcome& outcome = *finish_.add_outcomes();
    outcome.set_run(run.run());
    outcome.set_attempt(run.attempt());
    outcome.mutable_success();
  }
  SetDeadline(&context_.emplace());
  stub_->async()->FinishRuns(&*context_, &finish_, &finished_,
                             [this](grpc::Status status) { Finished(status); });
}

void LeaseAndFinish::Finished(const grpc::Status& status) {
  const auto& states = finished_.states();
  const bool all = states.size() == runs_ &&
                   std::all_of(states.begin(), states.end(), [](int state) {
                     return state == pb::RUN_STATE_SUCCEEDED;
                   });
  if (!all) {
    Blame(absl::StrCat("FinishRuns: ", status.error_message(), " ",
                       finished_.ShortDebugString()));
  }
  Done(std::move(done_))(status.ok() && all);
}

void InTurn::Start(Done done) {
  done_ = std::move(done);
  first_->Start([this](bool ok) {
    if (!ok) return Done(std::move(done_))(false);
    second_->Start(std::move(done_));
  });
}

Operations FullLives(Client* client, Operations submits,
                     const WorkerSessions& workers, int runs) {
  Operations lives;
  for (size_t i = 0; i < submits.size(); ++i) {
    const int slot = static_cast<int>(i);
    lives.push_back(std::make_unique<InTurn>(
        std::move(submits[i]),
        std::make_unique<LeaseAndFinish>(&client->of(slot),
                                         *workers[i % workers.size()], runs)));
  }
  return lives;
}

}  // namespace sheaf::bench
