#include "queue/sqlite/queue_cache.h"

#include "queue/sqlite/row.h"
#include "queue/sqlite/statements.h"

namespace sheaf {

void QueueCache::Load(Connection& db) {
  queues_.clear();
  dirty_.clear();
  undo_.clear();
  Query rows = db.Ask(sql::kQueues);
  while (rows.Step()) {
    Queue queue = ReadQueue(rows);
    queues_.emplace(queue.name, std::move(queue));
  }
}

const Queue* QueueCache::Find(const std::string& name) const {
  const auto found = queues_.find(name);
  return found == queues_.end() ? nullptr : &found->second;
}

void QueueCache::Remember(const std::string& name) {
  dirty_.insert(name);
  const Queue* queue = Find(name);
  undo_.emplace_back(name, queue ? std::optional<Queue>(*queue) : std::nullopt);
}

void QueueCache::Save(const Queue& queue) {
  Remember(queue.name);
  queues_[queue.name] = queue;
}

void QueueCache::Remove(const std::string& name) {
  Remember(name);
  queues_.erase(name);
}

// A queue that was undone stays dirty: writing it back as it was costs less
// than knowing that no other closure had changed it.
void QueueCache::UndoToMark() {
  while (!undo_.empty()) {
    auto& [name, before] = undo_.back();
    if (before) {
      queues_[name] = *std::move(before);
    } else {
      queues_.erase(name);
    }
    undo_.pop_back();
  }
}

std::vector<Queue> QueueCache::Flush(Connection& db) {
  std::vector<Queue> written;
  for (const std::string& name : dirty_) {
    if (const Queue* queue = Find(name)) {
      WriteQueue(db, *queue);
      written.push_back(*queue);
    } else {
      db.Run(sql::kDeleteQueue, name);
    }
  }
  dirty_.clear();
  return written;
}

}  // namespace sheaf
