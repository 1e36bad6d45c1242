#include "server/scheduling/workers.h"

#include <algorithm>
#include <utility>

namespace sheaf::server {

void WorkerRegistry::Attach(const WorkerInfo& info, Nudge nudge) {
  absl::MutexLock lock(&mutex_);
  workers_[info.lessee.id] = {.info = info, .nudge = std::move(nudge)};
  NoteLeastPixels();
}

void WorkerRegistry::NoteLeastPixels() {
  int64_t least = kAnyPixels;
  for (const auto& [id, entry] : workers_) {
    const int64_t most = entry.info.lessee.pixels_max;
    if (most > 0) least = std::min(least, most);
  }
  least_pixels_max_ = least;
}

int64_t WorkerRegistry::PixelsMaxFor(const Lane& lane) const {
  Lane of_any_size = lane;
  of_any_size.width = of_any_size.height = 0;
  absl::MutexLock lock(&mutex_);
  int64_t most = 0;
  for (const auto& [id, entry] : workers_) {
    const WorkerInfo& worker = entry.info;
    if (!worker.attached || worker.draining ||
        !CanServe(worker.lessee, of_any_size)) {
      continue;
    }
    if (worker.lessee.pixels_max == 0) return 0;
    most = std::max(most, worker.lessee.pixels_max);
  }
  return most;
}

bool WorkerRegistry::Detach(WorkerId id) {
  absl::MutexLock lock(&mutex_);
  const auto entry = workers_.find(id);
  if (entry == workers_.end() || !entry->second.info.attached) return false;
  entry->second.info.attached = false;
  entry->second.nudge = nullptr;
  return true;
}

std::optional<WorkerInfo> WorkerRegistry::Find(WorkerId id) const {
  absl::MutexLock lock(&mutex_);
  const auto entry = workers_.find(id);
  if (entry == workers_.end()) return std::nullopt;
  return entry->second.info;
}

std::optional<Lessee> WorkerRegistry::Taker(WorkerId id) const {
  absl::MutexLock lock(&mutex_);
  const auto found = workers_.find(id);
  if (found == workers_.end() || !found->second.info.attached ||
      found->second.info.draining) {
    return std::nullopt;
  }
  return found->second.info.lessee;
}

std::shared_ptr<const batching::ModelTable> WorkerRegistry::ModelsOf(
    WorkerId id) const {
  absl::MutexLock lock(&mutex_);
  const auto found = workers_.find(id);
  return found == workers_.end() ? nullptr : found->second.info.models;
}

std::vector<Lessee> WorkerRegistry::Staying() const {
  absl::MutexLock lock(&mutex_);
  std::vector<Lessee> staying;
  for (const auto& [id, entry] : workers_) {
    if (!entry.info.draining) staying.push_back(entry.info.lessee);
  }
  return staying;
}

int WorkerRegistry::count() const {
  absl::MutexLock lock(&mutex_);
  return static_cast<int>(workers_.size());
}

std::string WorkerRegistry::AddressOf(WorkerId id) const {
  absl::MutexLock lock(&mutex_);
  const auto found = workers_.find(id);
  return found == workers_.end() ? "" : found->second.info.address;
}

int WorkerRegistry::CountFrom(const std::string& address) const {
  absl::MutexLock lock(&mutex_);
  return static_cast<int>(std::count_if(
      workers_.begin(), workers_.end(),
      [&](const auto& entry) { return entry.second.info.address == address; }));
}

std::vector<WorkerInfo> WorkerRegistry::List() const {
  absl::MutexLock lock(&mutex_);
  std::vector<WorkerInfo> list;
  for (const auto& [id, entry] : workers_) list.push_back(entry.info);
  return list;
}

void WorkerRegistry::Heard(WorkerId id, absl::Time now) {
  absl::MutexLock lock(&mutex_);
  const auto entry = workers_.find(id);
  if (entry != workers_.end()) entry->second.info.heartbeat_time = now;
}

void WorkerRegistry::CountRuns(WorkerId id, int64_t succeeded, int64_t failed) {
  absl::MutexLock lock(&mutex_);
  const auto entry = workers_.find(id);
  if (entry == workers_.end()) return;
  entry->second.info.succeeded += succeeded;
  entry->second.info.failed += failed;
}

bool WorkerRegistry::Drain(WorkerId id) {
  absl::MutexLock lock(&mutex_);
  const auto entry = workers_.find(id);
  if (entry == workers_.end()) return false;
  entry->second.info.draining = true;
  if (entry->second.nudge) {
    entry->second.nudge({.report_now = true, .drain = true});
  }
  return true;
}

void WorkerRegistry::NoteEngineTime(WorkerId id, absl::Duration worked) {
  absl::MutexLock lock(&mutex_);
  const auto entry = workers_.find(id);
  if (entry == workers_.end()) return;
  // Reports of two batches may overtake each other.
  absl::Duration& known = entry->second.info.engine_time;
  known = std::max(known, worked);
}

bool WorkerRegistry::Calibrate(WorkerId id) {
  absl::MutexLock lock(&mutex_);
  const auto entry = workers_.find(id);
  if (entry == workers_.end()) return false;
  entry->second.must_calibrate = true;
  return true;
}

bool WorkerRegistry::MustCalibrate(WorkerId id) const {
  absl::MutexLock lock(&mutex_);
  const auto entry = workers_.find(id);
  return entry != workers_.end() && entry->second.must_calibrate;
}

bool WorkerRegistry::TakeCalibrate(WorkerId id) {
  absl::MutexLock lock(&mutex_);
  const auto entry = workers_.find(id);
  return entry != workers_.end() &&
         std::exchange(entry->second.must_calibrate, false);
}

bool WorkerRegistry::Remove(WorkerId id) {
  absl::MutexLock lock(&mutex_);
  const auto entry = workers_.find(id);
  if (entry == workers_.end()) return false;
  if (entry->second.nudge) entry->second.nudge({.goodbye = true});
  workers_.erase(entry);
  NoteLeastPixels();
  return true;
}

void WorkerRegistry::ReportNowToAll() {
  absl::MutexLock lock(&mutex_);
  for (auto& [id, entry] : workers_) {
    if (entry.nudge) entry.nudge({.report_now = true});
  }
}

void WorkerRegistry::GoodbyeToAll() {
  absl::MutexLock lock(&mutex_);
  for (auto& [id, entry] : workers_) {
    if (entry.nudge) entry.nudge({.goodbye = true});
  }
}

}  // namespace sheaf::server
