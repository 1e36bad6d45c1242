#include "queue/sqlite/lane_cache.h"

#include <utility>

namespace sheaf {

void LaneCache::Clear() {
  lanes_.clear();
  by_owner_.clear();
  Mark();
}

void LaneCache::Mark() {
  touched_.clear();
  empty_.clear();
}

void LaneCache::Keep() {
  for (const int64_t lane : empty_) Erase(lane);
  Mark();
}

void LaneCache::Undo(const std::vector<Lane>& made) {
  for (const int64_t lane : touched_) {
    if (const auto at = lanes_.find(lane); at != lanes_.end()) {
      at->second.ForgetHeads();
    }
  }
  for (const Lane& lane : made) Erase(lane.id.value);
  Mark();
}

void LaneCache::Add(const Lane& lane) {
  if (!lanes_.try_emplace(lane.id.value, Entry{lane, {}}).second) return;
  by_owner_[lane.owner].insert(lane.id.value);
}

void LaneCache::Erase(int64_t lane) {
  const auto at = lanes_.find(lane);
  if (at == lanes_.end()) return;
  const auto owner = by_owner_.find(at->second.lane.owner);
  owner->second.erase(lane);
  if (owner->second.empty()) by_owner_.erase(owner);
  lanes_.erase(at);
}

void LaneCache::Touch(LaneId lane) {
  const auto at = lanes_.find(lane.value);
  if (at == lanes_.end()) return;
  at->second.ForgetHeads();
  empty_.erase(lane.value);
  if (touched_.empty() || touched_.back() != lane.value) {
    touched_.push_back(lane.value);
  }
}

void LaneCache::TouchJob(JobId job) {
  for (const auto& [lane, entry] : lanes_) {
    for (const auto& head : entry.heads) {
      if (!head || !*head || (*head)->id.job() != job) continue;
      Touch(LaneId{lane});
      break;
    }
  }
}

const std::optional<Run>& LaneCache::HeadOf(Entry& entry, Priority highest) {
  auto& head = entry.heads[static_cast<size_t>(highest)];
  if (!head) head = read_head_(entry.lane.id, highest);
  return *head;
}

std::optional<Run> LaneCache::Head(LaneId lane, Priority highest) {
  const auto at = lanes_.find(lane.value);
  if (at == lanes_.end()) return std::nullopt;
  return HeadOf(at->second, highest);
}

void LaneCache::ForEach(
    const std::function<bool(const Lane&, const Run&)>& each) {
  for (auto& [id, entry] : lanes_) {
    const std::optional<Run>& head = HeadOf(entry, Priority::kUrgent);
    if (!head) {
      empty_.insert(id);
    } else if (!each(entry.lane, *head)) {
      return;
    }
  }
}

std::vector<Lane> LaneCache::Of(const std::string& owner) {
  std::vector<Lane> lanes;
  const auto at = by_owner_.find(owner);
  if (at == by_owner_.end()) return lanes;
  for (const int64_t id : at->second) {
    Entry& entry = lanes_.at(id);
    if (HeadOf(entry, Priority::kUrgent)) {
      lanes.push_back(entry.lane);
    } else {
      empty_.insert(id);
    }
  }
  return lanes;
}

int64_t LaneCache::BoundOf(const std::string& owner) const {
  const auto at = by_owner_.find(owner);
  return at == by_owner_.end() ? 0 : static_cast<int64_t>(at->second.size());
}

}  // namespace sheaf
