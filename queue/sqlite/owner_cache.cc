#include "queue/sqlite/owner_cache.h"

#include "queue/sqlite/row.h"
#include "queue/sqlite/statements.h"

namespace sheaf {

void OwnerCache::Load(Connection& db) {
  counts_.clear();
  dirty_.clear();
  since_mark_.clear();
  Query rows = db.Ask(sql::kOwners);
  while (rows.Step()) {
    OwnerCounts counts = ReadOwner(rows);
    counts_.emplace(counts.owner, std::move(counts));
  }
}

OwnerCounts OwnerCache::Find(const std::string& owner) const {
  const auto found = counts_.find(owner);
  return found == counts_.end() ? OwnerCounts{.owner = owner} : found->second;
}

std::vector<OwnerCounts> OwnerCache::All() const {
  std::vector<OwnerCounts> all;
  for (const auto& [owner, counts] : counts_) all.push_back(counts);
  return all;
}

void OwnerCache::Change(const std::string& owner, int64_t queued,
                        int64_t running) {
  OwnerCounts& counts = counts_[owner];
  counts.owner = owner;
  counts.queued += queued;
  counts.running += running;
  if (counts.queued == 0 && counts.running == 0) counts_.erase(owner);
  dirty_.insert(owner);
}

void OwnerCache::Add(const std::string& owner, int64_t queued,
                     int64_t running) {
  if (queued == 0 && running == 0) return;
  const OwnerCounts counts = Find(owner);
  if (counts.queued + queued < 0 || counts.running + running < 0) {
    throw BrokenRow("an owner would count less than nothing");
  }
  Change(owner, queued, running);
  since_mark_.push_back({owner, queued, running});
}

void OwnerCache::UndoToMark() {
  for (const OwnerCounts& added : since_mark_) {
    Change(added.owner, -added.queued, -added.running);
  }
  since_mark_.clear();
}

void OwnerCache::Flush(Connection& db) {
  for (const std::string& owner : dirty_) {
    const auto found = counts_.find(owner);
    if (found == counts_.end()) {
      db.Run(sql::kDeleteOwner, owner);
    } else {
      db.Run(sql::kSaveOwner, owner, found->second.queued,
             found->second.running);
    }
  }
  dirty_.clear();
}

}  // namespace sheaf
