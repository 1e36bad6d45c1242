#include "server/workers.h"

namespace sheaf::server {

int64_t WorkerRegistry::Attach(const WorkerInfo& info, Nudge nudge) {
  absl::MutexLock lock(&mutex_);
  Entry& entry = workers_[info.lessee.id];
  // A worker that comes back keeps what is known of it.
  WorkerInfo kept = info;
  if (entry.stream != 0) {
    kept.register_time = entry.info.register_time;
    kept.draining = entry.info.draining;
    kept.succeeded = entry.info.succeeded;
    kept.failed = entry.info.failed;
    if (entry.nudge) entry.nudge({.goodbye = true});
  }
  entry.info = kept;
  entry.nudge = std::move(nudge);
  entry.stream = next_stream_++;
  return entry.stream;
}

bool WorkerRegistry::Detach(WorkerId id, int64_t stream) {
  absl::MutexLock lock(&mutex_);
  const auto entry = workers_.find(id);
  if (entry == workers_.end() || entry->second.stream != stream) return false;
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

void WorkerRegistry::CountRuns(WorkerId id, int64_t succeeded,
                               int64_t failed) {
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

bool WorkerRegistry::Remove(WorkerId id) {
  absl::MutexLock lock(&mutex_);
  const auto entry = workers_.find(id);
  if (entry == workers_.end()) return false;
  if (entry->second.nudge) entry->second.nudge({.goodbye = true});
  workers_.erase(entry);
  return true;
}

bool WorkerRegistry::RemoveIfDetached(WorkerId id) {
  absl::MutexLock lock(&mutex_);
  const auto entry = workers_.find(id);
  if (entry == workers_.end() || entry->second.info.attached) return false;
  workers_.erase(entry);
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
