#include "queue/leasing/head_index.h"

#include <utility>

namespace sheaf {
namespace {

HeadIndex::Shape ShapeOf(const Lane& lane) {
  return {lane.vae, lane.width, lane.height};
}

HeadIndex::Place PlaceOf(const Run& run) {
  return {run.run_time, run.id, run.lane};
}

bool IsEmpty(const HeadIndex::Group& group) {
  for (const HeadIndex::Level& level : group.levels) {
    if (!level.owners.empty() || !level.later.empty()) return false;
  }
  return true;
}

}  // namespace

void HeadIndex::Refresh(Tx& tx) {
  const auto changed = tx.TakeChangedLanes();
  if (!changed) return Rebuild(tx);
  for (const LaneId lane : *changed) Reread(tx, lane);
  Ripen(tx.now());
}

void HeadIndex::Rebuild(Tx& tx) {
  lanes_.clear();
  groups_.clear();
  levels_of_.clear();
  later_.clear();
  tx.ForEachLane([&](const Lane& lane, const Run& head) {
    Put(tx, lane, head);
    return true;
  });
}

void HeadIndex::Reread(Tx& tx, LaneId lane) {
  Remove(lane);
  std::optional<Run> head = tx.Head(lane, Priority::kUrgent);
  if (head) Put(tx, tx.FindLane(lane), *std::move(head));
}

// A run of a lower priority goes while those above it are not due, so heads of
// all priorities down to the first due one are kept.
void HeadIndex::Put(Tx& tx, const Lane& lane, Run first) {
  Entry& entry = lanes_[lane.id.value];
  entry.lane = lane;
  Group& group = groups_[Key(lane.model, lane.queue, lane.kind)];
  group.lane.queue = lane.queue;
  group.lane.kind = lane.kind;
  group.lane.model = lane.model;
  entry.group = &group;
  std::optional<Run> run = std::move(first);
  while (run) {
    Head& head = entry.heads.emplace_back();
    head.place = PlaceOf(*run);
    head.priority = run->priority;
    head.due = run->run_time <= tx.now();
    if (head.due) {
      AddDue(entry, head);
      return;
    }
    group.at(head.priority).later.insert(head.place);
    later_.insert(head.place);
    if (run->priority == Priority::kLow) return;
    const auto below =
        static_cast<Priority>(static_cast<int>(run->priority) - 1);
    run = tx.Head(lane.id, below);
  }
}

void HeadIndex::Remove(LaneId lane) {
  const auto at = lanes_.find(lane.value);
  if (at == lanes_.end()) return;
  const Entry& entry = at->second;
  for (const Head& head : entry.heads) {
    if (head.due) {
      RemoveDue(entry, head);
    } else {
      entry.group->at(head.priority).later.erase(head.place);
      later_.erase(head.place);
    }
  }
  if (IsEmpty(*entry.group)) {
    const Lane& key = entry.group->lane;
    groups_.erase(Key(key.model, key.queue, key.kind));
  }
  lanes_.erase(at);
}

// Heads whose time has come take their places. Those of the same lane below
// them wait for another turn.
void HeadIndex::Ripen(absl::Time now) {
  while (!later_.empty() && later_.begin()->run_time <= now) {
    Entry& entry = lanes_.at(later_.begin()->lane.value);
    std::vector<Head> heads = std::move(entry.heads);
    entry.heads.clear();
    bool found = false;
    for (Head& head : heads) {
      Level& level = entry.group->at(head.priority);
      const bool was_due = head.due;
      if (!was_due && head.place.run_time <= now) {
        level.later.erase(head.place);
        later_.erase(head.place);
        head.due = true;
      }
      if (found) {
        // Not wanted any more: the lane has a due head above this one.
        if (was_due) RemoveDue(entry, head);
        if (!head.due) {
          level.later.erase(head.place);
          later_.erase(head.place);
        }
        continue;
      }
      if (head.due && !was_due) AddDue(entry, head);
      found = head.due;
      entry.heads.push_back(head);
    }
  }
}

void HeadIndex::AddDue(const Entry& entry, const Head& head) {
  Level& level = entry.group->at(head.priority);
  const auto [at, is_new] = level.owners.try_emplace(entry.lane.owner);
  Owner& owner = at->second;
  if (is_new) {
    owner.rank = rank_of_(entry.lane.owner);
    levels_of_[entry.lane.owner].insert(&level);
  } else {
    level.standings.erase({owner.rank, *owner.heads.begin()});
  }
  owner.heads.insert(head.place);
  level.standings.insert({owner.rank, *owner.heads.begin(), &owner});
  level.due.insert(head.place);
  level.shapes[ShapeOf(entry.lane)].insert(head.place);
}

void HeadIndex::RemoveDue(const Entry& entry, const Head& head) {
  Level& level = entry.group->at(head.priority);
  level.due.erase(head.place);
  const auto shape = level.shapes.find(ShapeOf(entry.lane));
  shape->second.erase(head.place);
  if (shape->second.empty()) level.shapes.erase(shape);
  const auto at = level.owners.find(entry.lane.owner);
  Owner& owner = at->second;
  level.standings.erase({owner.rank, *owner.heads.begin()});
  owner.heads.erase(head.place);
  if (!owner.heads.empty()) {
    level.standings.insert({owner.rank, *owner.heads.begin(), &owner});
    return;
  }
  level.owners.erase(at);
  const auto known = levels_of_.find(entry.lane.owner);
  known->second.erase(&level);
  if (known->second.empty()) levels_of_.erase(known);
}

void HeadIndex::Rank(const std::string& owner, double rank) {
  const auto known = levels_of_.find(owner);
  if (known == levels_of_.end()) return;
  for (Level* level : known->second) {
    Owner& found = level->owners.at(owner);
    level->standings.erase({found.rank, *found.heads.begin()});
    found.rank = rank;
    level->standings.insert({rank, *found.heads.begin(), &found});
  }
}

std::vector<HeadIndex::Group*> HeadIndex::GroupsOf(
    const std::vector<std::string>& models) {
  std::vector<Group*> found;
  const auto add = [&](const std::string& model) {
    for (auto at = groups_.lower_bound(Key(model, "", ""));
         at != groups_.end() && std::get<0>(at->first) == model; ++at) {
      found.push_back(&at->second);
    }
  };
  // Worth it only where the models are fewer than the groups.
  if (models.empty() || models.size() >= groups_.size()) {
    for (auto& [key, group] : groups_) found.push_back(&group);
    return found;
  }
  add("");
  for (const std::string& model : models) {
    if (!model.empty()) add(model);
  }
  return found;
}

const Lane& HeadIndex::LaneAt(const Place& place) const {
  return lanes_.at(place.lane.value).lane;
}

}  // namespace sheaf
