#include "inference/worker/session/session.h"

#include <memory>
#include <utility>

#include "base/status.h"
#include "spdlog/spdlog.h"

namespace sheaf::worker {
namespace {

// A worker that leaves has a few seconds in all.
constexpr absl::Duration kGoodbyeDeadline = absl::Seconds(1);
constexpr absl::Duration kAbandonDeadline = absl::Milliseconds(600);
// Once the server has answered a later LeaseBatch, it ends join requests within
// this time.
constexpr absl::Duration kJoinsEndWithin = absl::Seconds(2);
constexpr absl::Duration kBackoffFirst = absl::Milliseconds(100);
constexpr absl::Duration kBackoffLongest = absl::Seconds(5);
// While a server stays away, one line a minute or so says so.
constexpr int kFailuresPerLine = 12;

// Whether the server refuses this worker as it presents itself. gRPC says
// UNIMPLEMENTED for a server that could not read a call, for lack of memory or
// otherwise, and also for a server that has no such call. A server that `knew`
// us has the call.
bool IsRefusal(const absl::Status& status, bool knew) {
  switch (status.code()) {
    case absl::StatusCode::kInvalidArgument:
    case absl::StatusCode::kPermissionDenied:
    case absl::StatusCode::kUnauthenticated:
      return true;
    case absl::StatusCode::kUnimplemented:
      return !knew;
    default:
      return false;
  }
}

SessionOptions Introduce(SessionOptions options, const Engine& engine) {
  for (const v1::Device& device : engine.Devices()) {
    *options.hello.add_devices() = device;
  }
  if (v1::Catalog catalog = engine.Catalog(); catalog.models_size() > 0) {
    *options.hello.mutable_catalog() = std::move(catalog);
  }
  options.hello.set_measures(options.measurer != nullptr);
  return options;
}

}  // namespace

Session::Session(SessionOptions options, Client* client, Engine* engine)
    : options_(Introduce(std::move(options), *engine)),
      client_(client),
      engine_(engine),
      changed_(options_.clock),
      timed_engine_(engine),
      model_measuring_(options_.measurer, client, options_.measures_by_itself),
      reporters_(client, &timed_engine_,
                 {.stall_timeout = options_.stall_timeout,
                  .on_drain = [this] { Drain(); },
                  .on_stall = options_.on_stall,
                  .preview_pause = options_.preview_pause,
                  .clock = options_.clock}),
      uploader_(client, {}),
      checkpointer_(client, {.pause = options_.checkpoint_pause,
                             .clock = options_.clock}),
      join_requester_(client),
      batches_({client, &timed_engine_, &reporters_, &uploader_, &checkpointer_,
                &stopping_, &options_.at_point}),
      backoff_(kBackoffFirst, kBackoffLongest) {}

absl::Status Session::Run() {
  while (!leaving()) {
    const absl::Status status = Serve();
    if (!refusal_.ok()) return refusal_;
    if (status.ok() || leaving()) continue;
    LogTrouble(status);
    Pause(backoff_.Next());
  }
  return engine_->Health();
}

void Session::Stop() {
  stopping_ = true;
  reporters_.Hurry();
  waiting_call_.Cancel();
  join_requester_.Cancel();
  absl::MutexLock lock(&mutex_);
  changed_.NotifyAll();
}

void Session::Drain() {
  if (draining_.exchange(true)) return;
  spdlog::info("told to leave: finishing the current batches");
  waiting_call_.Cancel();
  absl::MutexLock lock(&mutex_);
  changed_.NotifyAll();
}

void Session::Abandon() {
  Terms terms;
  {
    absl::MutexLock lock(&mutex_);
    terms = terms_;
  }
  if (terms.worker.empty()) return;
  client_->DeregisterWorker(terms, kAbandonDeadline).IgnoreError();
}

absl::Status Session::Serve() {
  // Stop, Drain and the end of a stream set their flag first and cancel second.
  // If this thread misses the flag here, the cancel ends its next call.
  waiting_call_.Reset();
  if (leaving()) return absl::OkStatus();
  auto registration =
      Registration::Open(client_, options_.hello,
                         {.on_signal =
                              [this](const v1::WorkerSignal& signal) {
                                if (signal.report_now())
                                  reporters_.ReportSoon();
                                model_measuring_.Heard(signal);
                                if (signal.drain()) Drain();
                              },
                          .on_end =
                              [this] {
                                // A report of an active batch shows that we
                                // live.
                                reporters_.ReportSoon();
                                waiting_call_.Cancel();
                              }},
                         &waiting_call_);
  if (!registration.ok()) {
    if (IsRefusal(registration.status(), welcomed_)) {
      refusal_ = registration.status();
    }
    return registration.status();
  }
  welcomed_ = true;
  const Terms& terms = (*registration)->terms();
  spdlog::info("registered as {}, lease {}, heartbeat {}", terms.worker,
               absl::FormatDuration(terms.lease_duration),
               absl::FormatDuration(terms.heartbeat_interval));
  {
    absl::MutexLock lock(&mutex_);
    terms_ = terms;
  }
  timed_engine_.SetFetchSaved(
      [this, worker = terms.worker](const v1::LeasedBatch& batch, int index) {
        return checkpointer_.Fetch(worker, batch, index);
      });
  const absl::Status status = LeaseLoop(**registration);
  SayGoodbye(terms);
  join_requester_.Reset();
  return status;
}

absl::Status Session::LeaseLoop(const Registration& registration) {
  while (true) {
    SHEAF_RETURN_IF_ERROR(StepAll(registration));
    waiting_call_.Reset();
    if (leaving()) return absl::OkStatus();
    if (registration.ended()) {
      return absl::UnavailableError("the server closed the stream");
    }
    SHEAF_ASSIGN_OR_RETURN(
        const bool works,
        Lease(registration, model_measuring_.Wait(options_.lease_wait)));
    if (!works && !leaving() && !registration.ended()) {
      model_measuring_.Idle(registration.terms());
    }
  }
}

absl::Status Session::StepAll(const Registration& registration) {
  const Terms& terms = registration.terms();
  while (true) {
    while (batches_.live_count() > 0) {
      batches_.Step();
      BeginJoined(terms);
      const bool may_join = options_.join && !options_.once && !leaving();
      if (!may_join || batches_.live_count() == 0) continue;
      const v1::LeasedBatch* batch = batches_.ToBeJoined(options_.join_age);
      if (batch == nullptr || registration.ended()) continue;
      join_requester_.Ask(terms, *batch, batches_.live_count());
    }
    if (options_.once && batches_.begun_count() > 0) once_done_ = true;
    absl::Status status;
    if (!leaving() && !registration.ended()) {
      // The device need not idle while pictures are uploaded. This call also
      // ends the waiting join requests.
      if (join_requester_.busy() || batches_.MayOverlap()) {
        status = Lease(registration, absl::ZeroDuration()).status();
      }
      if (status.ok()) status = SettleJoins(registration);
    }
    if (batches_.live_count() > 0) continue;
    batches_.CloseAll();
    return status;
  }
}

absl::StatusOr<bool> Session::Lease(const Registration& registration,
                                    absl::Duration wait) {
  const auto response =
      client_->LeaseBatch(registration.terms(), wait, &waiting_call_);
  if (!response.ok()) {
    // The call may have been cancelled for a reason that the caller checks
    // next.
    if (leaving() || registration.ended()) return false;
    // The server may also have leased us a batch in an answer that was lost. A
    // goodbye, and a new registration under a new name, hands it back.
    return response.status();
  }
  backoff_.Reset();
  failure_count_ = 0;
  if (response->drain()) Drain();
  if (response->calibrate()) model_measuring_.Told();
  if (!response->has_batch()) return false;
  model_measuring_.Ran(response->batch());
  batches_.Begin(response->batch(), registration.terms());
  return true;
}

void Session::BeginJoined(const Terms& terms) {
  for (v1::LeasedBatch& batch : join_requester_.Take()) {
    batches_.Begin(std::move(batch), terms);
  }
  if (join_requester_.drained()) Drain();
}

absl::Status Session::SettleJoins(const Registration& registration) {
  if (!join_requester_.busy()) return join_requester_.trouble();
  const bool quiet = join_requester_.WaitQuiet(kJoinsEndWithin);
  BeginJoined(registration.terms());
  if (!quiet) return absl::UnavailableError("the server does not end a wait");
  return join_requester_.trouble();
}

// Hands back, with the rest, batches that join requests may have leased
// meanwhile.
void Session::SayGoodbye(const Terms& terms) {
  join_requester_.Cancel();
  const absl::Status status =
      client_->DeregisterWorker(terms, kGoodbyeDeadline);
  if (!status.ok()) spdlog::debug("no goodbye: {}", status.ToString());
  absl::MutexLock lock(&mutex_);
  terms_ = {};
}

void Session::LogTrouble(const absl::Status& status) {
  if (failure_count_++ % kFailuresPerLine != 0) return;
  spdlog::warn("no work from the server, trying again: {}", status.ToString());
}

void Session::Pause(absl::Duration duration) {
  const absl::Time end = options_.clock->Now() + duration;
  absl::MutexLock lock(&mutex_);
  while (!stopping_ && !draining_ && changed_.WaitUntil(&mutex_, end)) {
  }
}

}  // namespace sheaf::worker
