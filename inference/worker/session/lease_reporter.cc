#include "inference/worker/session/lease_reporter.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "spdlog/spdlog.h"

namespace sheaf::worker {
namespace {

// How long the thread sleeps while there is no batch. It looks at the batch
// when it wakes, so Begin need not wake it: thousands of short batches a second
// cost no switch of threads.
constexpr absl::Duration kIdleSleep = absl::Milliseconds(500);

// Most tries to tell a stalled run before the process ends: if the server is
// away for longer, the lease runs out.
constexpr int kStallTellingsMax = 5;

}  // namespace

LeaseReporter::LeaseReporter(Client* client, const TimedEngine* engine,
                             Options options)
    : client_(client),
      engine_(engine),
      options_(std::move(options)),
      changed_(options_.clock),
      heartbeat_(options_.preview_pause),
      stall_watch_(options_.stall_timeout),
      thread_([this] { Work(); }) {}

LeaseReporter::~LeaseReporter() {
  {
    absl::MutexLock lock(&mutex_);
    quitting_ = true;
    changed_.NotifyAll();
  }
  thread_.join();
}

void LeaseReporter::Begin(const v1::LeasedBatch& batch, const Terms& terms) {
  absl::MutexLock lock(&mutex_);
  const absl::Time now = Now();
  held_ = true;
  ++generation_;
  batch_ = absl::StrCat(batch.name(), " epoch ", batch.epoch());
  heartbeat_.Begin(batch, terms, now);
  sender_.Begin(batch, terms.worker);
  stall_watch_.Begin(batch, now);
  reply_waits_ = false;
  lost_ = false;
  const bool soon = std::exchange(asked_, false);
  if (soon) heartbeat_.ReportAt(now);
  // The thread's idle sleep must not outlast the first interval.
  if (soon || terms.heartbeat_interval < kIdleSleep) changed_.NotifyAll();
}

void LeaseReporter::End() {
  absl::MutexLock lock(&mutex_);
  held_ = false;
  ++generation_;
  heartbeat_.End();
  sender_.End();
}

void LeaseReporter::EngineStepped(std::vector<RowSteps> steps,
                                  v1::BatchMemory memory) {
  absl::MutexLock lock(&mutex_);
  sender_.SetMemory(std::move(memory));
  heartbeat_.Stepped(std::move(steps));
  stall_watch_.Stepped(Now());
}

void LeaseReporter::TakePreviews(std::vector<RowPreview> previews) {
  absl::MutexLock lock(&mutex_);
  if (heartbeat_.TakePreviews(std::move(previews))) changed_.NotifyAll();
}

void LeaseReporter::EngineEnded() {
  absl::MutexLock lock(&mutex_);
  stall_watch_.EngineEnded();
  sender_.Hold();
}

void LeaseReporter::TellAtOnce() {
  absl::MutexLock lock(&mutex_);
  if (sender_.SendAtOnce(Now())) changed_.NotifyAll();
}

bool LeaseReporter::HasToldAll() const {
  absl::MutexLock lock(&mutex_);
  return lost_ || sender_.HasSentAll();
}

void LeaseReporter::AddOutcome(int row, v1::RunOutcome outcome) {
  absl::MutexLock lock(&mutex_);
  if (sender_.Add(row, std::move(outcome), Now())) changed_.NotifyAll();
}

HeartbeatReply LeaseReporter::TakeReply() {
  if (!reply_waits_.exchange(false)) return {};
  absl::MutexLock lock(&mutex_);
  return heartbeat_.TakeReply();
}

void LeaseReporter::ReportSoon() {
  absl::MutexLock lock(&mutex_);
  heartbeat_.ReportAt(Now());
  asked_ = true;
  changed_.NotifyAll();
}

void LeaseReporter::Hurry() {
  absl::MutexLock lock(&mutex_);
  if (flush_end_ != absl::InfiniteFuture()) return;
  flush_end_ = Now() + options_.hurry;
  changed_.NotifyAll();
}

bool LeaseReporter::Flush() {
  absl::MutexLock lock(&mutex_);
  while (!lost_ && !sender_.HasSentAll()) {
    if (Now() >= flush_end_) return false;
    if (sender_.is_sending()) {
      changed_.WaitUntil(&mutex_, flush_end_);
    } else if (!SendOutcomes().ok() && !lost_) {
      changed_.WaitUntil(&mutex_, std::min(sender_.retry_time(), flush_end_));
    }
  }
  return !lost_;
}

void LeaseReporter::Work() {
  absl::MutexLock lock(&mutex_);
  while (!quitting_) {
    // An engine may hang even after its lease is gone.
    if (held_) CheckStall();
    const absl::Time now = Now();
    if (!held_ || lost_) {
      changed_.WaitUntil(&mutex_, now + kIdleSleep);
    } else if (now >= sender_.send_time()) {
      SendOutcomes().IgnoreError();  // It has set the time of the next try.
    } else if (now >= heartbeat_.report_time()) {
      Report();
    } else {
      changed_.WaitUntil(
          &mutex_, std::min(heartbeat_.report_time(), sender_.send_time()));
    }
  }
}

void LeaseReporter::CheckStall() {
  if (!options_.on_stall) return;
  if (!stall_watch_.Stalls(engine_->Beats(), Now())) return;
  // The row on the engine may also be of another batch.
  if (engine_->rows() == 1 && sender_.FirstOpenRow()) TellStalledRun();
  mutex_.Unlock();
  options_.on_stall();
  mutex_.Lock();
}

void LeaseReporter::TellStalledRun() {
  const int row = *sender_.FirstOpenRow();
  const v1::RunOutcome& outcome = stall_watch_.OutcomeOf(row);
  spdlog::error("{}: {}", outcome.run(), outcome.failure().message());
  sender_.Add(row, outcome, Now());
  for (int tries = 0; tries < kStallTellingsMax && !lost_; ++tries) {
    if (SendOutcomes().ok() || lost_) return;
    changed_.WaitUntil(&mutex_, sender_.retry_time());
  }
}

void LeaseReporter::Report() {
  ProgressReport report = heartbeat_.Take(sender_.has_outcome(), Now());
  sender_.TellMemory(&report.request);
  const int64_t generation = generation_;
  mutex_.Unlock();
  const auto answer = client_->ReportProgress(DrawPreviews(std::move(report)));
  mutex_.Lock();
  if (generation != generation_) return;
  if (answer.ok()) {
    TakeAnswer(*answer);
  } else if (MayRetry(answer.status(), "ReportProgress")) {
    heartbeat_.Failed(Now());
  }
}

void LeaseReporter::TakeAnswer(const v1::ReportProgressResponse& answer) {
  if (heartbeat_.Answered(answer, Now())) reply_waits_ = true;
  if (answer.drain()) options_.on_drain();
  // The report may have come after the last outcomes, which end the lease; the
  // answer to those says whether the server took them.
  if (!answer.lease_lost() || sender_.is_sending() || sender_.IsOver()) return;
  spdlog::warn("{}: lease lost, dropping the batch", batch_);
  Lose();
}

absl::Status LeaseReporter::SendOutcomes() {
  v1::FinishRunsRequest request = sender_.Take(engine_->worked());
  const int64_t generation = generation_;
  mutex_.Unlock();
  const absl::Status status = client_->FinishRuns(request).status();
  mutex_.Lock();
  changed_.NotifyAll();
  if (generation != generation_) {
    sender_.Dropped();
  } else if (status.ok()) {
    sender_.Sent();
  } else if (MayRetry(status, "FinishRuns")) {
    sender_.Failed(std::move(request), Now());
  } else {
    sender_.Dropped();
  }
  return status;
}

bool LeaseReporter::MayRetry(const absl::Status& status,
                             std::string_view call) {
  const bool retryable = IsRetryable(status);
  if (retryable && !heartbeat_.HasExpired(Now())) {
    spdlog::debug("{}: {} failed, trying again: {}", batch_, call,
                  status.ToString());
    return true;
  }
  spdlog::warn("{}: {}; dropping the batch: {} {}", batch_,
               retryable ? "the lease has expired" : "the server refuses", call,
               status.ToString());
  Lose();
  return false;
}

void LeaseReporter::Lose() {
  lost_ = true;
  changed_.NotifyAll();
}

}  // namespace sheaf::worker
