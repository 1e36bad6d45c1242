#include "inference/worker/session/lease_reporter.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "spdlog/spdlog.h"

namespace sheaf::worker {
namespace {

constexpr absl::Duration kBackoffFirst = absl::Milliseconds(100);
constexpr absl::Duration kBackoffLongest = absl::Seconds(2);
// How long the thread sleeps while there is no batch. It looks at the batch
// when it wakes, so Begin need not wake it: thousands of short batches a second
// cost no switch of threads.
constexpr std::chrono::milliseconds kIdleSleep(500);

// Most tries to tell a stalled run before the process ends: if the server is
// away for longer, the lease runs out.
constexpr int kStallTellingsMax = 5;

// Largest preview that the wire takes. With at most so many previews, a report
// stays below the 4 MiB that servers take unless they are told otherwise.
constexpr std::size_t kPreviewBytesMax = 256 << 10;
constexpr std::size_t kPreviewsInReport = 12;

// Writes the previews' files into the report. A row with a preview is reported
// at the preview's step; later steps come with the next report.
void AddPreviews(const std::vector<std::pair<v1::RunStep*, RowPreview>>& rows) {
  for (const auto& [told, preview] : rows) {
    absl::StatusOr<std::string> png = MakePng(preview.picture);
    if (!png.ok()) {
      spdlog::debug("{}: no preview: {}", told->run(), png.status().ToString());
      continue;
    }
    if (png->size() > kPreviewBytesMax) continue;
    told->set_step(preview.step);
    told->set_preview(*std::move(png));
  }
}

// The outcome to tell of a run whose step does not end.
v1::RunOutcome StallOf(const v1::LeasedRun& run, absl::Duration limit) {
  v1::RunOutcome outcome;
  outcome.set_run(run.run());
  outcome.set_attempt(run.attempt());
  v1::RunError* error = outcome.mutable_failure();
  error->set_error_class(v1::ERROR_CLASS_ENGINE);
  const v1::RunRequest& wish = run.request();
  const std::string size =
      wish.has_width() && wish.has_height()
          ? absl::StrCat(" of ", wish.width(), "x", wish.height(), " pixels")
          : "";
  error->set_message(absl::StrCat(
      "stalled: a step", size, " did not end within ",
      absl::FormatDuration(limit),
      " (the worker's --stall-timeout), and no other run was on the engine"));
  return outcome;
}

std::chrono::nanoseconds ToChrono(absl::Duration duration) {
  return absl::ToChronoNanoseconds(duration);
}

}  // namespace

LeaseReporter::LeaseReporter(Client* client, Options options)
    : client_(client),
      options_(std::move(options)),
      report_backoff_(kBackoffFirst, kBackoffLongest),
      send_backoff_(kBackoffFirst, kBackoffLongest),
      thread_([this] { Work(); }) {}

LeaseReporter::~LeaseReporter() {
  {
    Lock lock(mutex_);
    quitting_ = true;
    changed_.notify_all();
  }
  thread_.join();
}

void LeaseReporter::Begin(const v1::LeasedBatch& batch, const Terms& terms) {
  Lock lock(mutex_);
  held_ = true;
  ++generation_;
  worker_ = terms.worker;
  batch_ = batch.name();
  epoch_ = batch.epoch();
  secret_ = batch.secret();
  runs_.clear();
  stalls_.clear();
  for (const v1::LeasedRun& run : batch.runs()) {
    runs_.push_back(run.run());
    stalls_.push_back(StallOf(run, options_.stall_timeout));
  }
  ended_.assign(runs_.size(), false);
  steps_.assign(runs_.size(), RowSteps());
  memory_.Clear();
  engine_works_ = true;
  telling_ = true;
  stall_told_ = false;
  step_time_ = Clock::now();
  lease_duration_ = ToChrono(terms.lease_duration);
  report_interval_ = ToChrono(terms.heartbeat_interval);
  Renewed();
  report_time_ = step_time_ + report_interval_;
  last_report_time_ = step_time_;
  previews_.clear();
  send_time_ = Clock::time_point::max();
  pending_.clear();
  report_backoff_.Reset();
  send_backoff_.Reset();
  orders_ = HeartbeatReply();
  orders_wait_ = false;
  lost_ = false;
  // The thread's idle sleep must not outlast the first interval.
  if (report_interval_ < kIdleSleep) changed_.notify_all();
}

void LeaseReporter::End() {
  Lock lock(mutex_);
  held_ = false;
  ++generation_;
  pending_.clear();
  previews_.clear();
}

void LeaseReporter::EngineStepped(std::vector<RowSteps> steps,
                                  v1::BatchMemory memory) {
  Lock lock(mutex_);
  memory_ = std::move(memory);
  steps_ = std::move(steps);
  steps_.resize(runs_.size());
  step_time_ = Clock::now();
}

void LeaseReporter::TakePreviews(std::vector<RowPreview> previews) {
  Lock lock(mutex_);
  for (RowPreview& preview : previews) {
    previews_[runs_[preview.row]] = std::move(preview);
  }
  const Clock::time_point soon =
      last_report_time_ + ToChrono(options_.preview_pause);
  if (soon >= report_time_) return;
  report_time_ = soon;
  changed_.notify_all();
}

void LeaseReporter::EngineEnded() {
  Lock lock(mutex_);
  engine_works_ = false;
  telling_ = false;
  send_time_ = Clock::time_point::max();
}

void LeaseReporter::TellAtOnce() {
  Lock lock(mutex_);
  telling_ = true;
  if (pending_.empty()) return;
  send_time_ = Clock::now();
  changed_.notify_all();
}

bool LeaseReporter::HasToldAll() const {
  Lock lock(mutex_);
  return lost_ || (!sending_ && pending_.empty());
}

bool LeaseReporter::HasEnded() const {
  return !sending_ && pending_.empty() &&
         std::find(ended_.begin(), ended_.end(), false) == ended_.end();
}

void LeaseReporter::AddOutcome(int row, v1::RunOutcome outcome) {
  Lock lock(mutex_);
  ended_[row] = true;
  pending_.push_back(std::move(outcome));
  if (!telling_) return;
  // A retry that is due later sends this outcome too.
  if (send_time_ == Clock::time_point::max()) {
    send_time_ = Clock::now();
    changed_.notify_all();
  }
}

HeartbeatReply LeaseReporter::TakeReply() {
  if (!orders_wait_.exchange(false)) return {};
  Lock lock(mutex_);
  return std::exchange(orders_, HeartbeatReply());
}

void LeaseReporter::ReportSoon() {
  Lock lock(mutex_);
  report_time_ = Clock::now();
  changed_.notify_all();
}

void LeaseReporter::Hurry() {
  Lock lock(mutex_);
  if (std::exchange(hurried_, true)) return;
  flush_end_ = Clock::now() + ToChrono(options_.hurry);
  changed_.notify_all();
}

bool LeaseReporter::Flush() {
  Lock lock(mutex_);
  while (!lost_ && (sending_ || !pending_.empty())) {
    if (Clock::now() >= flush_end_) return false;
    if (sending_) {
      changed_.wait_until(lock, flush_end_);
    } else if (!SendOutcomes(lock).ok() && !lost_) {
      changed_.wait_until(lock, std::min(send_time_, flush_end_));
    }
  }
  return !lost_;
}

void LeaseReporter::Work() {
  Lock lock(mutex_);
  while (!quitting_) {
    // An engine may hang even after its lease is gone.
    if (held_) CheckStall(lock);
    if (!held_ || lost_) {
      changed_.wait_for(lock, kIdleSleep);
      continue;
    }
    const Clock::time_point now = Clock::now();
    if (telling_ && !sending_ && now >= send_time_) {
      SendOutcomes(lock).IgnoreError();  // It has set the time of the next try.
    } else if (now >= report_time_) {
      Report(lock);
    } else {
      changed_.wait_until(
          lock, telling_ ? std::min(report_time_, send_time_) : report_time_);
    }
  }
}

void LeaseReporter::CheckStall(Lock& lock) {
  if (!engine_works_ || stall_told_ || !options_.on_stall) return;
  const int64_t beats = options_.beats ? options_.beats() : 0;
  if (std::exchange(beats_, beats) != beats) step_time_ = Clock::now();
  if (Clock::now() - step_time_ < ToChrono(options_.stall_timeout)) return;
  stall_told_ = true;
  if (options_.engine_rows && options_.engine_rows() == 1) TellStalledRun(lock);
  lock.unlock();
  options_.on_stall();
  lock.lock();
}

void LeaseReporter::TellStalledRun(Lock& lock) {
  const auto live = std::find(ended_.begin(), ended_.end(), false);
  if (live == ended_.end()) return;  // The row is of another batch.
  const auto row = static_cast<std::size_t>(live - ended_.begin());
  spdlog::error("{}: {}", runs_[row], stalls_[row].failure().message());
  ended_[row] = true;
  pending_.push_back(stalls_[row]);
  for (int tries = 0; tries < kStallTellingsMax && !lost_; ++tries) {
    if (SendOutcomes(lock).ok()) return;
    changed_.wait_until(lock, send_time_);
  }
}

v1::ReportProgressRequest LeaseReporter::MakeReport() const {
  v1::ReportProgressRequest request;
  request.set_worker(worker_);
  request.set_batch(batch_);
  request.set_epoch(epoch_);
  request.set_secret(secret_);
  for (std::size_t row = 0; row < runs_.size(); ++row) {
    if (ended_[row]) continue;
    v1::RunStep* step = request.add_steps();
    step->set_run(runs_[row]);
    step->set_step(steps_[row].step);
    step->set_step_count(steps_[row].step_count);
  }
  return request;
}

std::vector<std::pair<v1::RunStep*, RowPreview>> LeaseReporter::PreviewsFor(
    v1::ReportProgressRequest* request) {
  std::vector<std::pair<v1::RunStep*, RowPreview>> previews;
  for (v1::RunStep& step : *request->mutable_steps()) {
    const auto found = previews_.find(step.run());
    if (found == previews_.end()) continue;
    previews.emplace_back(&step, std::move(found->second));
  }
  previews_.clear();
  if (previews.size() > kPreviewsInReport) {
    // The rows take turns.
    std::rotate(previews.begin(),
                previews.begin() + preview_turn_ % previews.size(),
                previews.end());
    previews.resize(kPreviewsInReport);
    preview_turn_ += kPreviewsInReport;
  }
  return previews;
}

void LeaseReporter::Report(Lock& lock) {
  v1::ReportProgressRequest request = MakeReport();
  const auto previews = PreviewsFor(&request);
  const int64_t generation = generation_;
  last_report_time_ = Clock::now();
  report_time_ = last_report_time_ + report_interval_;
  lock.unlock();
  AddPreviews(previews);
  const auto answer = client_->ReportProgress(request);
  lock.lock();
  if (generation != generation_) return;
  if (answer.ok()) {
    Renewed();
    report_backoff_.Reset();
    TakeAnswer(*answer);
  } else if (MayRetry(answer.status(), "ReportProgress")) {
    report_time_ =
        std::min(report_time_, Clock::now() + ToChrono(report_backoff_.Next()));
  }
}

void LeaseReporter::TakeAnswer(const v1::ReportProgressResponse& answer) {
  if (answer.drain()) options_.on_drain();
  if (answer.lease_lost()) {
    // The report may have come after the last outcomes, which end the lease;
    // the answer to those says whether the server took them.
    if (sending_ || HasEnded()) return;
    spdlog::warn("{} epoch {}: lease lost, dropping the batch", batch_, epoch_);
    lost_ = true;
    changed_.notify_all();
    return;
  }
  if (answer.cancel_runs().empty() && answer.release_runs().empty()) return;
  std::copy(answer.cancel_runs().begin(), answer.cancel_runs().end(),
            std::back_inserter(orders_.cancel_runs));
  std::copy(answer.release_runs().begin(), answer.release_runs().end(),
            std::back_inserter(orders_.release_runs));
  orders_wait_ = true;
}

absl::Status LeaseReporter::SendOutcomes(Lock& lock) {
  v1::FinishRunsRequest request;
  request.set_worker(worker_);
  request.set_batch(batch_);
  request.set_epoch(epoch_);
  request.set_secret(secret_);
  if (memory_.row_count() > 0) *request.mutable_memory() = memory_;
  if (options_.engine_time) {
    const absl::Duration worked = options_.engine_time();
    request.mutable_engine_time()->set_seconds(absl::ToInt64Seconds(worked));
    request.mutable_engine_time()->set_nanos(static_cast<int32_t>(
        absl::ToInt64Nanoseconds(worked % absl::Seconds(1))));
  }
  for (v1::RunOutcome& outcome : pending_) {
    *request.add_outcomes() = std::move(outcome);
  }
  pending_.clear();
  send_time_ = Clock::time_point::max();
  sending_ = true;
  const int64_t generation = generation_;
  lock.unlock();
  const absl::Status status = client_->FinishRuns(request).status();
  lock.lock();
  sending_ = false;
  changed_.notify_all();
  if (generation != generation_) return status;
  if (status.ok()) {
    send_backoff_.Reset();
  } else if (MayRetry(status, "FinishRuns")) {
    pending_.insert(
        pending_.begin(),
        std::make_move_iterator(request.mutable_outcomes()->begin()),
        std::make_move_iterator(request.mutable_outcomes()->end()));
    send_time_ = Clock::now() + ToChrono(send_backoff_.Next());
  }
  return status;
}

bool LeaseReporter::MayRetry(const absl::Status& status, const char* what) {
  const bool retryable = IsRetryable(status);
  const bool over = Clock::now() >= lease_end_;
  if (retryable && !over) {
    spdlog::debug("{} epoch {}: {} failed, trying again: {}", batch_, epoch_,
                  what, status.ToString());
    return true;
  }
  spdlog::warn("{} epoch {}: {}; dropping the batch: {} {}", batch_, epoch_,
               retryable ? "the lease has expired" : "the server refuses", what,
               status.ToString());
  lost_ = true;
  changed_.notify_all();
  return false;
}

}  // namespace sheaf::worker
