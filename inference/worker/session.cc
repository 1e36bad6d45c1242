#include "inference/worker/session.h"

#include <chrono>
#include <memory>
#include <utility>

#include "base/status.h"
#include "spdlog/spdlog.h"

namespace sheaf::worker {
namespace {

// A worker that leaves has a few seconds in all.
constexpr absl::Duration kGoodbyeDeadline = absl::Seconds(1);
constexpr absl::Duration kAbandonDeadline = absl::Milliseconds(600);
constexpr absl::Duration kBackoffFirst = absl::Milliseconds(100);
constexpr absl::Duration kBackoffLongest = absl::Seconds(5);
// While a server stays away, one line a minute or so says so.
constexpr int kFailuresPerLine = 12;

// Whether the server said that this worker, as it presents itself, is wrong.
bool IsRefusal(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kInvalidArgument:
    case absl::StatusCode::kPermissionDenied:
    case absl::StatusCode::kUnauthenticated:
    case absl::StatusCode::kUnimplemented:
      return true;
    default:
      return false;
  }
}

SessionOptions Introduce(SessionOptions options, const Engine& engine) {
  for (const v1::Device& device : engine.Devices()) {
    *options.hello.add_devices() = device;
  }
  return options;
}

const char* Name(BatchResult::End end) {
  switch (end) {
    case BatchResult::End::kFinished:
      return "finished";
    case BatchResult::End::kLost:
      return "lost";
    case BatchResult::End::kReleased:
      return "released";
  }
  return "";
}

}  // namespace

Session::Session(SessionOptions options, Client* client, Engine* engine)
    : options_(Introduce(std::move(options), *engine)),
      client_(client),
      engine_(engine),
      calibrator_(options_.measurer, client, options_.measures_by_itself),
      keeper_(client, {.stall_timeout = options_.stall_timeout,
                       .on_drain = [this] { Drain(); },
                       .on_stall = options_.on_stall}),
      uploader_(client, {}),
      checkpointer_(client, {.pause = options_.checkpoint_pause}),
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
  keeper_.Hurry();
  waiting_call_.Cancel();
  std::lock_guard lock(mutex_);
  changed_.notify_all();
}

void Session::Drain() {
  if (draining_.exchange(true)) return;
  spdlog::info("told to leave: finishing what is at hand");
  waiting_call_.Cancel();
  std::lock_guard lock(mutex_);
  changed_.notify_all();
}

void Session::Abandon() {
  std::string worker;
  {
    std::lock_guard lock(mutex_);
    worker = worker_;
  }
  if (worker.empty()) return;
  client_->DeregisterWorker(worker, kAbandonDeadline).IgnoreError();
}

absl::Status Session::Serve() {
  // Whoever wants this thread back sets a flag first and cancels second: a
  // flag that is missed here finds its cancel waiting in the next call.
  waiting_call_.Reset();
  if (leaving()) return absl::OkStatus();
  auto registration =
      Registration::Open(client_, options_.hello,
                         {.on_signal =
                              [this](const v1::WorkerSignal& signal) {
                                if (signal.report_now()) keeper_.ReportSoon();
                                calibrator_.Heard(signal);
                                if (signal.drain()) Drain();
                              },
                          .on_end =
                              [this] {
                                // A batch at hand shows that we live.
                                keeper_.ReportSoon();
                                waiting_call_.Cancel();
                              }},
                         &waiting_call_);
  if (!registration.ok()) {
    if (IsRefusal(registration.status())) refusal_ = registration.status();
    return registration.status();
  }
  const Terms& terms = (*registration)->terms();
  spdlog::info("registered as {}, lease {}, heartbeat {}", terms.worker,
               absl::FormatDuration(terms.lease_duration),
               absl::FormatDuration(terms.heartbeat_interval));
  {
    std::lock_guard lock(mutex_);
    worker_ = terms.worker;
  }
  engine_->SetFetchSaved(
      [this, worker = terms.worker](const v1::LeasedBatch& batch, int row) {
        return checkpointer_.Fetch(worker, batch, row);
      });
  const absl::Status status = LeaseLoop(**registration);
  SayGoodbye(terms.worker);
  return status;
}

absl::Status Session::LeaseLoop(const Registration& registration) {
  while (true) {
    waiting_call_.Reset();
    if (leaving()) return absl::OkStatus();
    if (registration.ended()) {
      return absl::UnavailableError("the server closed the stream");
    }
    const auto response = client_->LeaseBatch(
        registration.terms().worker, calibrator_.Wait(options_.lease_wait),
        &waiting_call_);
    if (!response.ok()) {
      // The call may be cancelled because of what the checks above will say.
      if (leaving() || registration.ended()) continue;
      // It may also have leased a batch whose answer was lost. Coming back
      // under a new name, after a goodbye to the old one, hands it back.
      return response.status();
    }
    backoff_.Reset();
    failure_count_ = 0;
    if (response->drain()) Drain();
    if (response->has_batch()) {
      RunBatch(response->batch(), registration.terms());
      calibrator_.Ran(response->batch());
    } else {
      calibrator_.Idle(registration.terms().worker);
    }
  }
}

void Session::RunBatch(const v1::LeasedBatch& batch, const Terms& terms) {
  spdlog::debug("{} epoch {}: leased with {} runs", batch.name(), batch.epoch(),
                batch.runs_size());
  const BatchRun::Tools tools = {client_,           engine_,        &keeper_,
                                 &uploader_,        &checkpointer_, &stopping_,
                                 &options_.at_point};
  const BatchResult result = BatchRun(tools, batch, terms).Run();
  spdlog::debug("{} epoch {}: {}, {} succeeded, {} failed", batch.name(),
                batch.epoch(), Name(result.end), result.succeeded,
                result.failed);
  if (options_.once) once_done_ = true;
}

void Session::SayGoodbye(const std::string& worker) {
  const absl::Status status =
      client_->DeregisterWorker(worker, kGoodbyeDeadline);
  if (!status.ok()) spdlog::debug("no goodbye: {}", status.ToString());
  std::lock_guard lock(mutex_);
  worker_.clear();
}

void Session::LogTrouble(const absl::Status& status) {
  if (failure_count_++ % kFailuresPerLine != 0) return;
  spdlog::warn("no work from the server, trying again: {}", status.ToString());
}

void Session::Pause(absl::Duration duration) {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, absl::ToChronoNanoseconds(duration),
                    [this] { return stopping_ || draining_; });
}

}  // namespace sheaf::worker
