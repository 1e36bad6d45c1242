// All queues, in the writer's memory: read once, changed there, and written
// back once per transaction, however many closures of the group changed them.
//
// A closure's changes can be undone (Mark, UndoToMark) without touching those
// of the closures before it. On the writer's thread only.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "queue/sqlite/connection.h"
#include "queue/types.h"

namespace sheaf {

class QueueCache {
 public:
  // Forgets all and reads the database.
  void Load(Connection& db);

  const std::map<std::string, Queue>& all() const { return queues_; }
  const Queue* Find(const std::string& name) const;
  void Save(const Queue& queue);
  void Remove(const std::string& name);

  // A closure begins; what it changes can be undone.
  void Mark() { undo_.clear(); }
  void UndoToMark();
  bool changed_since_mark() const { return !undo_.empty(); }

  // Writes back what changed since the last time, and answers the queues that
  // it wrote.
  std::vector<Queue> Flush(Connection& db);

 private:
  void Remember(const std::string& name);

  std::map<std::string, Queue> queues_;
  std::set<std::string> dirty_;
  std::vector<std::pair<std::string, std::optional<Queue>>> undo_;
};

}  // namespace sheaf
