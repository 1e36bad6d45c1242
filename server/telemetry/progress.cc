#include "server/telemetry/progress.h"

namespace sheaf::server {

absl::Time StepProgress::Eta() const {
  const int done = step - begin_step;
  if (done <= 0 || step_count < step) return absl::InfiniteFuture();
  return update_time + (update_time - begin_time) * (step_count - step) / done;
}

StepProgress ProgressBoard::Note(RunId run, int step, int step_count,
                                 absl::Time now) {
  absl::MutexLock lock(&mutex_);
  const auto [entry, is_new] = runs_.try_emplace(run);
  StepProgress& progress = entry->second;
  // A step back is another attempt.
  if (is_new || step < progress.step) {
    progress.begin_time = now;
    progress.begin_step = step;
  }
  progress.step = step;
  progress.step_count = step_count;
  progress.update_time = now;
  return progress;
}

std::optional<StepProgress> ProgressBoard::Find(RunId run) const {
  absl::MutexLock lock(&mutex_);
  const auto entry = runs_.find(run);
  if (entry == runs_.end()) return std::nullopt;
  return entry->second;
}

void ProgressBoard::NoteCommit(const Committed& committed) {
  absl::MutexLock lock(&mutex_);
  for (const Event& event : committed.events) {
    for (const RunChange& change : event.runs) runs_.erase(change.run);
  }
}

}  // namespace sheaf::server
