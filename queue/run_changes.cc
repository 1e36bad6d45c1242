#include "queue/run_changes.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "queue/retry_policy.h"
#include "queue/rows/broken_row.h"

namespace sheaf {

void RunChanges::Move(Run& run, RunState to) {
  SHEAF_CHECK(MayFollow(run.state, to));
  if (deltas_.empty() || deltas_.back().first != run.id.job()) {
    deltas_.emplace_back(run.id.job(), RunCounts{});
  }
  RunCounts& delta = deltas_.back().second;
  // A running run that ends does not change the waiting ones: a plan stays
  // good.
  if (run.state == RunState::kQueued || to == RunState::kQueued) {
    line_changed_ = true;
  }
  --delta.of(run.state);
  ++delta.of(to);
  run.state = to;
  if (IsFinal(to)) run.end_time = tx_.now();
  tx_.SaveRun(run);
  RunChange& change = changes_.emplace_back();
  change.run = run.id;
  change.state = to;
  change.attempt = run.attempt;
  if (run.error) change.error_class = run.error->error_class;
}

void RunChanges::KeepAttempt(const Run& run, RunState outcome) {
  tx_.AddAttempt({.run = run.id,
                  .attempt = run.attempt,
                  .worker = run.worker,
                  .batch = run.batch,
                  .epoch = run.epoch,
                  .start_time = run.start_time,
                  .end_time = tx_.now(),
                  .outcome = outcome,
                  .error = run.error});
}

void RunChanges::Fail(Run& run, const RunError& error) {
  run.error = error;
  ++run.failures;
  const bool died = error.error_class == ErrorClass::kWorkerDied;
  if (died) ++run.crashes;
  if (run.cancel_requested) return Move(run, RunState::kCancelled);
  if (died && run.crashes >= kCrashesMax) {
    run.error = RunError{
        ErrorClass::kCrashLoop,
        absl::StrCat("quarantined: ", run.crashes,
                     " workers died while they held this run; the last: ",
                     error.message)};
    return Move(run, RunState::kFailed);
  }
  const auto retry = RetryTime(run, error.error_class, tx_.now());
  if (!retry) return Move(run, RunState::kFailed);
  // Alone, so that it can neither starve nor kill its neighbours again.
  if (died || error.error_class == ErrorClass::kOutOfMemory) run.alone = true;
  run.run_time = *retry;
  KeepAttempt(run, RunState::kFailed);
  Move(run, RunState::kQueued);
}

void RunChanges::HandBack(Run& run) {
  if (run.cancel_requested) return Move(run, RunState::kCancelled);
  KeepAttempt(run, RunState::kQueued);
  Move(run, RunState::kQueued);
}

void RunChanges::Commit(Event event) {
  if (changes_.empty()) return;
  std::optional<Queue> queue = tx_.FindQueue(queue_);
  if (!queue) throw BrokenRow(absl::StrCat("there is no queues/", queue_));
  std::vector<JobEnd> ended;
  std::sort(deltas_.begin(), deltas_.end(),
            [](const auto& a, const auto& b) { return a.first < b.first; });
  for (size_t i = 0; i < deltas_.size(); ++i) {
    auto& [job, delta] = deltas_[i];
    if (i + 1 < deltas_.size() && deltas_[i + 1].first == job) {
      deltas_[i + 1].second += delta;
      continue;
    }
    queue->queued += delta.queued;
    queue->running += delta.running;
    const RunCounts counts = tx_.ApplyToJob(job, delta, queue->settings);
    if (counts.live() == 0) ended.push_back({job, StateOf(counts)});
  }
  // Checked here, since the store writes queues at the end, for many closures
  // at once.
  if (queue->queued < 0 || queue->running < 0) {
    throw BrokenRow(
        absl::StrCat("queues/", queue_, " would count less than nothing"));
  }
  if (line_changed_) ++queue->revision;
  line_changed_ = false;
  tx_.SaveQueue(*queue);
  event.queue = queue_;
  const std::vector<RunChange> changes = std::exchange(changes_, {});
  deltas_.clear();
  size_t said = 0;
  size_t ends_said = 0;
  while (said < changes.size() || ends_said < ended.size()) {
    Event part = event;
    const size_t end = std::min(said + kRunsPerEventMax, changes.size());
    part.runs.assign(changes.begin() + said, changes.begin() + end);
    said = end;
    if (said == changes.size()) {
      const size_t last = std::min(ends_said + kRunsPerEventMax, ended.size());
      part.ended.assign(ended.begin() + ends_said, ended.begin() + last);
      ends_said = last;
    }
    tx_.AppendEvent(std::move(part));
  }
}

}  // namespace sheaf
