#include "queue/sqlite/lane_cache.h"

#include <utility>

namespace sheaf {
namespace {

// Where nobody takes the changes, no more than these are kept, beside one for
// each lane.
constexpr size_t kChangesKept = 1024;

}  // namespace

void LaneCache::Clear() {
  lanes_.clear();
  by_owner_.clear();
  changed_.clear();
  all_changed_ = true;
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
    // Its heads may have been taken within this closure.
    NoteChanged(lane);
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
  NoteChanged(lane.value);
  if (touched_.empty() || touched_.back() != lane.value) {
    touched_.push_back(lane.value);
  }
}

void LaneCache::NoteChanged(int64_t lane) {
  if (all_changed_) return;
  changed_.insert(lane);
  if (changed_.size() <= lanes_.size() + kChangesKept) return;
  changed_.clear();
  all_changed_ = true;
}

std::optional<std::vector<LaneId>> LaneCache::TakeChanged() {
  if (std::exchange(all_changed_, false)) return std::nullopt;
  std::vector<LaneId> changed;
  for (const int64_t lane : std::exchange(changed_, {})) {
    changed.push_back(LaneId{lane});
  }
  return changed;
}

const std::optional<Run>& LaneCache::HeadOf(Entry& entry, Priority highest) {
  auto& head = entry.heads[static_cast<size_t>(highest)];
  if (head) return *head;
  // A first run that stands no higher is the first of these, too.
  const auto& first = entry.heads[static_cast<size_t>(Priority::kUrgent)];
  if (first && (!*first || (*first)->priority <= highest)) {
    head = *first;
  } else {
    head = read_head_(entry.lane.id, highest);
  }
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
