#include "server/telemetry/previews.h"

#include <utility>

namespace sheaf::server {

void PreviewBoard::Keep(RunId run, int step, std::string png, absl::Time now) {
  absl::MutexLock lock(&mutex_);
  Drop(run);
  if (png.size() > bytes_max_) return;
  while (bytes_ + png.size() > bytes_max_) Drop(by_age_.begin()->second);
  bytes_ += png.size();
  const int64_t number = next_number_++;
  by_age_[number] = run;
  runs_[run] = {
      {step, std::make_shared<const std::string>(std::move(png)), now}, number};
}

std::optional<RunPreview> PreviewBoard::Find(RunId run) const {
  absl::MutexLock lock(&mutex_);
  const auto kept = runs_.find(run);
  if (kept == runs_.end()) return std::nullopt;
  return kept->second.preview;
}

int PreviewBoard::StepOf(RunId run) const {
  absl::MutexLock lock(&mutex_);
  const auto kept = runs_.find(run);
  return kept == runs_.end() ? 0 : kept->second.preview.step;
}

void PreviewBoard::NoteCommit(const Committed& committed) {
  absl::MutexLock lock(&mutex_);
  for (const Event& event : committed.events) {
    for (const RunChange& change : event.runs) Drop(change.run);
  }
}

size_t PreviewBoard::bytes() const {
  absl::MutexLock lock(&mutex_);
  return bytes_;
}

void PreviewBoard::Drop(RunId run) {
  const auto kept = runs_.find(run);
  if (kept == runs_.end()) return;
  bytes_ -= kept->second.preview.png->size();
  by_age_.erase(kept->second.number);
  runs_.erase(kept);
}

}  // namespace sheaf::server
