#include "queue/leasing/head_index.h"

#include <algorithm>
#include <utility>

namespace sheaf {
namespace {

HeadIndex::Place PlaceOf(const Run& run) {
  return {run.run_time, run.id, run.lane};
}

bool IsEmpty(const HeadIndex::Group& group) {
  for (const HeadIndex::Level& level : group.levels) {
    if (!level.owners.empty() || !level.later.empty()) return false;
  }
  return true;
}

// Groups that have missed more changes of ranks read all their ranks again.
constexpr size_t kRankChangesMax = 1024;

// The kind or model of a group that leaves it open.
const std::string kAny;

HeadIndex::Form FormAt(size_t index) {
  return {.any_kind = (index & 2) != 0, .any_model = (index & 1) != 0};
}

HeadIndex::Form FormOf(const HeadIndex::Served& served) {
  return {IsAnything(served.kinds), IsAnything(served.models)};
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
  queues_.clear();
  for (Groups& groups : groups_) groups.clear();
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
  ++queues_[lane.queue];
  for (size_t index = 0; index < groups_.size(); ++index) {
    if (!is_kept_[index]) continue;
    const Form form = FormAt(index);
    const std::string& kind = form.any_kind ? kAny : lane.kind;
    const std::string& model = form.any_model ? kAny : lane.model;
    const auto [at, is_new] =
        groups_[index].try_emplace(Key(lane.queue, kind, model));
    Group& group = at->second;
    if (is_new) {
      group.form = form;
      group.lane.queue = lane.queue;
      group.lane.kind = kind;
      group.lane.model = model;
      group.rank_changes = rank_changes_;
    }
    entry.groups.push_back(&group);
  }
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
    AddLater(entry, head);
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
      RemoveLater(entry, head);
    }
  }
  for (Group* group : entry.groups) {
    if (!IsEmpty(*group)) continue;
    const Lane& key = group->lane;
    groups_[group->form.index()].erase(Key(key.queue, key.kind, key.model));
  }
  const auto queue = queues_.find(entry.lane.queue);
  if (--queue->second == 0) queues_.erase(queue);
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
      const bool was_due = head.due;
      if (!was_due && head.place.run_time <= now) {
        RemoveLater(entry, head);
        head.due = true;
      }
      if (found) {
        // Not wanted any more: the lane has a due head above this one.
        if (was_due) RemoveDue(entry, head);
        if (!head.due) RemoveLater(entry, head);
        continue;
      }
      if (head.due && !was_due) AddDue(entry, head);
      found = head.due;
      entry.heads.push_back(head);
    }
  }
}

void HeadIndex::AddLater(const Entry& entry, const Head& head) {
  for (Group* group : entry.groups) {
    group->at(head.priority).later.insert(head.place);
  }
  later_.insert(head.place);
}

void HeadIndex::RemoveLater(const Entry& entry, const Head& head) {
  for (Group* group : entry.groups) {
    group->at(head.priority).later.erase(head.place);
  }
  later_.erase(head.place);
}

void HeadIndex::AddDue(const Entry& entry, const Head& head) {
  for (Group* group : entry.groups) {
    AddDue(entry, head, group->at(head.priority));
  }
}

void HeadIndex::AddDue(const Entry& entry, const Head& head, Level& level) {
  const auto [at, is_new] = level.owners.try_emplace(entry.lane.owner);
  Owner& owner = at->second;
  if (is_new) {
    owner.rank = rank_of_(entry.lane.owner);
  } else {
    level.standings.erase({owner.rank, *owner.heads.begin()});
  }
  owner.heads.insert(head.place);
  level.standings.insert({owner.rank, *owner.heads.begin(), &owner});
  level.due.insert(head.place);
  level.shapes[ShapeOf(entry.lane)].insert(head.place);
}

void HeadIndex::RemoveDue(const Entry& entry, const Head& head) {
  for (Group* group : entry.groups) {
    RemoveDue(entry, head, group->at(head.priority));
  }
}

void HeadIndex::RemoveDue(const Entry& entry, const Head& head, Level& level) {
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
}

void HeadIndex::NoteRank(const std::string& owner) {
  ++rank_changes_;
  reranked_.push_back(owner);
  if (reranked_.size() > kRankChangesMax) reranked_.pop_front();
}

// Takes in the changes of ranks that the group has missed. A group that was not
// asked for in a long time reads the ranks of all its owners again.
void HeadIndex::Rank(Group& group) {
  const uint64_t missed = rank_changes_ - group.rank_changes;
  group.rank_changes = rank_changes_;
  for (Level& level : group.levels) {
    if (missed > std::min(level.owners.size(), reranked_.size())) {
      for (const auto& [owner, _] : level.owners) Rank(level, owner);
      continue;
    }
    for (auto owner = reranked_.end() - missed; owner != reranked_.end();
         ++owner) {
      Rank(level, *owner);
    }
  }
}

void HeadIndex::Rank(Level& level, const std::string& owner) {
  const auto at = level.owners.find(owner);
  if (at == level.owners.end()) return;
  Owner& found = at->second;
  const double rank = rank_of_(owner);
  if (rank == found.rank) return;
  level.standings.erase({found.rank, *found.heads.begin()});
  found.rank = rank;
  level.standings.insert({rank, *found.heads.begin(), &found});
}

void HeadIndex::Keep(Tx& tx, const Served& served) {
  bool& is_kept = is_kept_[FormOf(served).index()];
  if (is_kept) return;
  is_kept = true;
  Rebuild(tx);
}

std::vector<HeadIndex::Group*> HeadIndex::GroupsOf(const Served& served) {
  const Form form = FormOf(served);
  std::vector<Group*> found;
  for (const auto& [queue, lanes] : queues_) {
    if (!IsAnything(served.queues) && !served.queues.Contains(queue)) continue;
    AddGroups(queue, form, served, &found);
  }
  for (Group* group : found) Rank(*group);
  return found;
}

void HeadIndex::AddGroups(const std::string& queue, Form form,
                          const Served& served, std::vector<Group*>* found) {
  Groups& groups = groups_[form.index()];
  const auto add = [&](const std::string& kind, const std::string& model) {
    const auto at = groups.find(Key(queue, kind, model));
    if (at != groups.end()) found->push_back(&at->second);
  };
  // Worth it only where the models are fewer than the groups.
  const bool by_name = served.models.size() < groups.size();
  const auto add_models = [&](const std::string& kind) {
    if (form.any_model) return add(kind, kAny);
    if (by_name) {
      add(kind, "");
      for (const std::string& model : served.models) {
        if (!model.empty()) add(kind, model);
      }
      return;
    }
    for (auto at = groups.lower_bound(Key(queue, kind, ""));
         at != groups.end() && at->second.lane.queue == queue &&
         at->second.lane.kind == kind;
         ++at) {
      const std::string& model = at->second.lane.model;
      if (model.empty() || served.models.Contains(model)) {
        found->push_back(&at->second);
      }
    }
  };
  if (form.any_kind) return add_models(kAny);
  for (const std::string& kind : served.kinds) add_models(kind);
}

const Lane& HeadIndex::LaneAt(const Place& place) const {
  return lanes_.at(place.lane.value).lane;
}

}  // namespace sheaf
