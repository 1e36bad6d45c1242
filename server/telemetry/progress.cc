#include "server/telemetry/progress.h"

#include <algorithm>

namespace sheaf::server {

absl::Time StepProgress::Eta() const {
  const int done = step - begin_step;
  if (done <= 0 || step_count < step) return absl::InfiniteFuture();
  return update_time + (update_time - begin_time) * (step_count - step) / done;
}

void ProgressBoard::Start(const std::vector<Batch>& batches) {
  absl::MutexLock lock(&mutex_);
  for (const Batch& batch : batches) {
    const auto running = static_cast<int>(batch.runs.size());
    batches_[batch.id] = {.id = batch.id, .running = running};
  }
}

StepProgress ProgressBoard::Note(RunId run, BatchId batch, int step,
                                 int step_count, absl::Time now) {
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
  progress.batch.id = batch;
  return Whole(progress);
}

void ProgressBoard::NoteMemory(BatchId batch, int64_t bytes) {
  absl::MutexLock lock(&mutex_);
  const auto known = batches_.find(batch);
  if (known == batches_.end()) return;
  int64_t& most = known->second.memory_bytes;
  most = std::max(most, bytes);
}

StepProgress ProgressBoard::Whole(StepProgress progress) const {
  const auto batch = batches_.find(progress.batch.id);
  if (batch != batches_.end()) progress.batch = batch->second;
  return progress;
}

std::optional<StepProgress> ProgressBoard::Find(RunId run) const {
  absl::MutexLock lock(&mutex_);
  const auto entry = runs_.find(run);
  if (entry == runs_.end()) return std::nullopt;
  return Whole(entry->second);
}

void ProgressBoard::NoteCommit(const Committed& committed) {
  absl::MutexLock lock(&mutex_);
  for (const Event& event : committed.events) {
    for (const RunChange& change : event.runs) runs_.erase(change.run);
    if (event.type == EventType::kRunsStarted) {
      const auto running = static_cast<int>(event.runs.size());
      batches_[event.batch] = {.id = event.batch, .running = running};
    }
    if (event.type == EventType::kRunsChanged) NoteChanges(event);
  }
}

void ProgressBoard::NoteChanges(const Event& event) {
  const auto known = batches_.find(event.batch);
  if (known == batches_.end()) return;
  BatchProgress& batch = known->second;
  for (const RunChange& change : event.runs) {
    --batch.running;
    if (change.state == RunState::kSucceeded) ++batch.succeeded;
    if (change.error_class) ++batch.failed;
  }
  if (batch.running <= 0) batches_.erase(known);
}

}  // namespace sheaf::server
