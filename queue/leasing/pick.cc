#include "queue/leasing/pick.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "queue/order.h"
#include "queue/plans.h"
#include "queue/queues.h"
#include "queue/run_changes.h"

namespace sheaf {
namespace {

// The run to begin with, and the lane it stands in.
struct Head {
  Lane lane;
  Queue queue;
  Run run;
};

// Whether queues hand out work now, each asked once; a pause that is over ends
// here.
class Doors {
 public:
  Doors(Tx& tx, absl::Time* next_time) : tx_(tx), next_time_(*next_time) {}

  bool IsOpen(const std::string& name) {
    const auto [known, is_new] = open_.try_emplace(name, false);
    if (is_new) known->second = Look(name);
    return known->second;
  }

 private:
  bool Look(const std::string& name) {
    const std::optional<Queue> queue = tx_.FindQueue(name);
    if (!queue) return false;
    if (queue->state != QueueState::kPaused) return true;
    if (queue->resume_time > tx_.now()) {
      next_time_ = std::min(next_time_, queue->resume_time);
      return false;
    }
    ResumeByTime(tx_, *queue);
    return true;
  }

  Tx& tx_;
  absl::Time& next_time_;
  std::map<std::string, bool> open_;
};

// The first due run of a lane whose first run is `first`. A run of a lower
// priority goes while those above it are not due.
std::optional<Run> FirstDue(Tx& tx, const Run& first, absl::Time* next_time) {
  std::optional<Run> run = first;
  while (run && run->run_time > tx.now()) {
    *next_time = std::min(*next_time, run->run_time);
    if (run->priority == Priority::kLow) return std::nullopt;
    const auto below =
        static_cast<Priority>(static_cast<int>(run->priority) - 1);
    run = tx.Head(run->lane, below);
  }
  return run;
}

// How many more runs each owner may have running; asked for once.
class Room {
 public:
  Room(Tx& tx, LeasePolicy* policy) : tx_(tx), policy_(policy) {}

  int64_t Of(const std::string& owner) {
    const auto known = left_.find(owner);
    if (known != left_.end()) return known->second;
    const int64_t most = policy_ == nullptr ? 0 : policy_->RunningMax(owner);
    const int64_t left =
        most <= 0 ? kRunsPerJobMax : most - tx_.CountsOf(owner).running;
    return left_[owner] = left;
  }

  // Leaves out runs for which their owners have no room.
  void Fit(std::vector<Run>* runs) {
    std::map<std::string, int64_t> taken;
    std::erase_if(*runs, [&](const Run& run) {
      const std::string owner = tx_.FindLane(run.lane).owner;
      return ++taken[owner] > Of(owner);
    });
  }

 private:
  Tx& tx_;
  LeasePolicy* const policy_;
  std::map<std::string, int64_t> left_;
};

// The most first runs that a policy chooses among: those that stand first. The
// line alone decides about further ones, so that a lease takes no longer if
// somebody makes up many lanes.
constexpr size_t kHeadsMax = 1024;

// The first due runs of all lanes that this worker can serve, by their places
// in line. `held`: queues that wait for more to come.
std::vector<Run> DueHeads(Tx& tx, const Lessee& who,
                          const std::set<std::string>& held, Room* room,
                          absl::Time* next_time) {
  std::vector<Run> heads;
  Doors doors(tx, next_time);
  tx.ForEachLane([&](const Lane& lane, const Run& run) {
    if (!CanServe(who, lane) || held.contains(lane.queue)) return true;
    if (!doors.IsOpen(lane.queue)) return true;
    std::optional<Run> due = FirstDue(tx, run, next_time);
    if (due && room->Of(lane.owner) > 0) heads.push_back(*std::move(due));
    return true;
  });
  return heads;
}

// Takes the runs of the highest priority out of `heads`, and answers kHeadsMax
// of them at the most, by their places in line.
std::vector<LaneHead> TakeHighest(Tx& tx, std::vector<Run>* heads) {
  Priority highest = Priority::kLow;
  for (const Run& run : *heads) highest = std::max(highest, run.priority);
  const auto middle =
      std::partition(heads->begin(), heads->end(),
                     [&](const Run& run) { return run.priority == highest; });
  auto end = middle;
  if (static_cast<size_t>(end - heads->begin()) > kHeadsMax) {
    end = heads->begin() + kHeadsMax;
    std::nth_element(heads->begin(), end, middle, GoesBefore);
  }
  std::sort(heads->begin(), end, GoesBefore);
  std::vector<LaneHead> level;
  for (auto run = heads->begin(); run != end; ++run) {
    level.push_back({tx.FindLane(run->lane), std::move(*run)});
  }
  heads->erase(heads->begin(), middle);
  return level;
}

// The head whose turn it is: of the highest priority for which the policy lets
// this worker begin at all.
std::optional<LaneHead> FirstHead(Tx& tx, std::vector<Run> heads,
                                  const Lessee& who, LeasePolicy* policy,
                                  absl::Time* next_time) {
  if (policy == nullptr && !heads.empty()) {
    Run& first = *std::min_element(heads.begin(), heads.end(), GoesBefore);
    return LaneHead{tx.FindLane(first.lane), std::move(first)};
  }
  while (!heads.empty()) {
    std::vector<LaneHead> level = TakeHighest(tx, &heads);
    const LeasePolicy::Turn turn = policy->Next(who, level, tx.now());
    if (turn.head) return std::move(level[*turn.head]);
    *next_time = std::min(*next_time, turn.wait_until);
  }
  return std::nullopt;
}

// The batch in which the queue's plan puts the head, as far as its runs still
// wait and this worker can make them; empty where there is none.
Picked PlannedBatch(Tx& tx, const Lessee& who, const Head& head) {
  Picked members{.queue = head.queue};
  if (!head.queue.plan || head.run.alone) return members;
  int room = who.batch_size_max > 0 ? who.batch_size_max : kRunsPerJobMax;
  --room;  // for the head
  PlannedRuns planned = PlannedWith(tx, head.queue.plan, head.run);
  for (Run& run : planned.members) {
    if (run.id != head.run.id && room-- <= 0) continue;
    if (run.lane != head.run.lane && !CanServe(who, tx.FindLane(run.lane))) {
      continue;
    }
    members.runs.push_back(std::move(run));
  }
  members.planned = !members.runs.empty();
  if (planned.batch && members.runs.size() == planned.batch->runs.size()) {
    members.plan = planned.batch->plan;
    members.plan_batch = planned.batch->number;
  }
  return members;
}

// How many lines are looked at for company, how many lanes for all of them, and
// how many runs of each.
constexpr size_t kLinesMax = 4;
constexpr int kLanesMax = 8;
constexpr size_t kLineLength = 64;

// The first runs of a lane that may go together, `first` being due.
std::vector<LeasedRun> DueTogether(Tx& tx, const Run& first) {
  std::vector<Run> due;
  for (Run& run :
       tx.Ready(first.lane, first.priority, static_cast<int>(kLineLength))) {
    if (run.priority != first.priority || run.run_time > tx.now()) break;
    if (run.alone || run.start_deadline <= tx.now()) continue;
    due.push_back(std::move(run));
  }
  return LoadRuns(tx, std::move(due));
}

bool DifferInOwnerAlone(const Lane& a, const Lane& b) {
  return a.kind == b.kind && a.model == b.model && a.vae == b.vae &&
         a.width == b.width && a.height == b.height;
}

// The first of each, then the second of each.
std::vector<LeasedRun> ByTurns(std::vector<std::vector<LeasedRun>> owners) {
  std::vector<LeasedRun> merged;
  bool more = true;
  for (size_t i = 0; more; ++i) {
    more = false;
    for (std::vector<LeasedRun>& runs : owners) {
      if (i >= runs.size() || merged.size() == kLineLength) continue;
      merged.push_back(std::move(runs[i]));
      more = true;
    }
  }
  return merged;
}

// The lines of the head's queue, the head's own first.
std::vector<Line> LinesOf(Tx& tx, const Lessee& who, const Head& head,
                          Room* room) {
  struct Places {
    Lane lane;
    std::vector<std::vector<LeasedRun>> owners;
  };
  std::vector<Places> found;
  const auto add = [&](const Lane& lane, const Run& first) {
    std::vector<LeasedRun> due = DueTogether(tx, first);
    const int64_t most = std::max<int64_t>(room->Of(lane.owner), 0);
    if (static_cast<int64_t>(due.size()) > most) due.resize(most);
    if (due.empty()) return;
    for (Places& places : found) {
      if (!DifferInOwnerAlone(places.lane, lane)) continue;
      return places.owners.push_back(std::move(due));
    }
    if (found.size() < kLinesMax) {
      found.push_back({lane, {}});
      found.back().owners.push_back(std::move(due));
    }
  };
  add(head.lane, head.run);
  int lanes = 1;
  tx.ForEachLane([&](const Lane& lane, const Run& run) {
    if (lane.queue != head.queue.name || run.lane == head.run.lane) return true;
    if (!CanServe(who, lane) || !IsBatchable(lane.kind)) return true;
    absl::Time unused = absl::InfiniteFuture();
    const std::optional<Run> due = FirstDue(tx, run, &unused);
    if (!due || due->priority != head.run.priority) return true;
    add(lane, *due);
    return ++lanes < kLanesMax;
  });
  std::vector<Line> lines;
  for (Places& places : found) {
    lines.push_back(
        {std::move(places.lane), ByTurns(std::move(places.owners))});
  }
  return lines;
}

bool MayCross(const Head& head) {
  const BatchPolicy policy = head.queue.settings.policy;
  return (policy == BatchPolicy::kAdaptive ||
          policy == BatchPolicy::kEconomic) &&
         IsBatchable(head.lane.kind) && !head.run.alone;
}

// Whether runs may join a batch of lane `beside` where the head comes first.
bool MayJoin(const Lane& beside, const Head& head) {
  return head.queue.name == beside.queue &&
         DifferInOwnerAlone(head.lane, beside) && MayCross(head);
}

// Whether the picked runs may join. A plan says which runs step together, and
// how long that is to take, so its batches may not. Runs whose lanes differ in
// more than their owner cannot.
bool Joins(Tx& tx, const Lane& beside, const Picked& picked) {
  if (picked.planned) return false;
  return std::all_of(picked.runs.begin(), picked.runs.end(),
                     [&](const Run& run) {
                       return DifferInOwnerAlone(tx.FindLane(run.lane), beside);
                     });
}

// The head's natural batch: runs of its job that have waited as long.
Picked NaturalBatch(Tx& tx, const Lessee& who, const Head& head,
                    LeasePolicy* policy) {
  int size = IsBatchable(head.lane.kind) ? head.queue.settings.batch_size : 1;
  if (who.batch_size_max > 0) size = std::min(size, who.batch_size_max);
  if (policy != nullptr) {
    size = std::min(size, policy->RowsMax(head.lane, who));
  }
  if (size <= 1 || head.run.alone)
    return {.queue = head.queue, .runs = {head.run}};
  Picked members{.queue = head.queue};
  for (Run& run : tx.ReadyWith(head.run, size)) {
    if (!run.alone) members.runs.push_back(std::move(run));
  }
  return members;
}

}  // namespace

std::vector<LeasedRun> LoadRuns(Tx& tx, std::vector<Run> runs) {
  std::vector<LeasedRun> loaded;
  RunParams shared;
  JobId shared_of;
  for (Run& run : runs) {
    if (shared_of != run.id.job()) {
      shared_of = run.id.job();
      shared = tx.SharedParams(shared_of);
    }
    RunParams params = Merge(shared, tx.OwnParams(run.id));
    std::string owner = tx.FindLane(run.lane).owner;
    loaded.push_back({std::move(run), std::move(params), std::move(owner)});
  }
  return loaded;
}

void FailOneLate(Tx& tx, const std::string& queue, Run run) {
  RunChanges changes(tx, queue);
  run.error = RunError{ErrorClass::kDeadline,
                       "it had not started by its start_deadline"};
  changes.Move(run, RunState::kFailed);
  changes.Commit({.type = EventType::kRunsChanged});
}

std::optional<Picked> Pick(Tx& tx, const Lessee& who, LeasePolicy* policy,
                           absl::Time* next_time, const Lane* beside) {
  std::set<std::string> held;
  absl::Time held_until = absl::InfiniteFuture();
  while (true) {
    *next_time = held_until;
    Room room(tx, policy);
    std::optional<LaneHead> first = FirstHead(
        tx, DueHeads(tx, who, held, &room, next_time), who, policy, next_time);
    if (!first) return std::nullopt;
    Queue queue = *tx.FindQueue(first->lane.queue);
    const Head head{std::move(first->lane), std::move(queue),
                    std::move(first->run)};
    if (head.run.start_deadline <= tx.now()) {
      FailOneLate(tx, head.queue.name, head.run);
      continue;
    }
    if (beside != nullptr && !MayJoin(*beside, head)) return std::nullopt;
    Picked picked = PlannedBatch(tx, who, head);
    if (picked.runs.empty() && policy != nullptr && MayCross(head)) {
      const LeasePolicy::Choice choice = policy->Choose(
          head.queue, who, LinesOf(tx, who, head, &room), tx.now());
      for (const RunId id : choice.runs) picked.runs.push_back(*tx.FindRun(id));
      if (picked.runs.empty()) {
        held.insert(head.queue.name);
        held_until = std::min(held_until, choice.wait_until);
        continue;
      }
    } else if (picked.runs.empty()) {
      picked = NaturalBatch(tx, who, head, policy);
    }
    const size_t before = picked.runs.size();
    room.Fit(&picked.runs);
    if (picked.runs.size() < before) picked.plan = PlanId{};
    if (beside != nullptr && !Joins(tx, *beside, picked)) {
      return std::nullopt;
    }
    return picked;
  }
}

}  // namespace sheaf
