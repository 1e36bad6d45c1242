// The runs that every owner has under way, counted in the writer's memory: read
// once, changed there, and written back once per transaction. A closure's
// changes can be undone (Mark, UndoToMark). On the writer's thread only.
#pragma once

#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "queue/sqlite/connection.h"
#include "queue/types.h"

namespace sheaf {

class OwnerCache {
 public:
  // Forgets all and reads the database.
  void Load(Connection& db);

  OwnerCounts Find(const std::string& owner) const;
  std::vector<OwnerCounts> All() const;
  // BrokenRow where a count would fall below zero.
  void Add(const std::string& owner, int64_t queued, int64_t running);

  // A closure begins; what it changes can be undone.
  void Mark() { since_mark_.clear(); }
  void UndoToMark();

  // Writes back what changed since the last time.
  void Flush(Connection& db);

 private:
  void Change(const std::string& owner, int64_t queued, int64_t running);

  std::map<std::string, OwnerCounts> counts_;  // none where both are 0
  std::set<std::string> dirty_;
  std::vector<OwnerCounts> since_mark_;  // what was added
};

}  // namespace sheaf
