#include "queue/leasing/pick.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "queue/leasing/first_head.h"
#include "queue/leasing/planned.h"
#include "queue/order.h"
#include "queue/run_changes.h"

namespace sheaf {
namespace {

// The lane as the asking worker fills it in.
Lane Spelled(const Ask& ask, const Lane& lane) {
  return ask.policy == nullptr ? lane : ask.policy->Spelled(ask.who, lane);
}

// Whether runs of these lanes may step together on the asking worker, as far as
// their lanes tell.
bool MayStepTogether(const Ask& ask, const Lane& a, const Lane& b) {
  return DifferInOwnerAlone(Spelled(ask, a), Spelled(ask, b));
}

// How many lines are looked at for company; how many lanes for all of them, of
// which some are to be like the head's own; how many runs of each.
constexpr size_t kLinesMax = 4;
constexpr size_t kLanesMax = 8;
constexpr size_t kLanesAlike = 5;
constexpr size_t kLineLength = 64;
// How many lanes are looked at to find those.
constexpr int kLanesTried = 64;

// The first runs of a lane that may go together.
std::vector<LeasedRun> DueTogether(Tx& tx, LaneId lane, Priority priority) {
  std::vector<Run> due;
  for (Run& run : tx.Ready(lane, priority, static_cast<int>(kLineLength))) {
    if (run.priority != priority || run.run_time > tx.now()) break;
    if (run.alone || run.start_deadline <= tx.now()) continue;
    due.push_back(std::move(run));
  }
  return LoadRuns(tx, std::move(due));
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

// The lanes whose runs might go with the head: its own first, then those that
// differ from it in their owner alone, then others, the oldest ones first.
std::vector<LaneId> LanesBeside(Ask& ask, const Head& head) {
  std::vector<LaneId> lanes = {head.lane.id};
  const auto take = [&](const std::set<HeadIndex::Place>& places, size_t most) {
    int tried = 0;
    for (const HeadIndex::Place& place : places) {
      if (lanes.size() >= most || ++tried > kLanesTried) return;
      if (std::find(lanes.begin(), lanes.end(), place.lane) == lanes.end() &&
          IsBatchable(ask.heads.LaneAt(place).kind) && ask.MayBegin(place)) {
        lanes.push_back(place.lane);
      }
    }
  };
  std::vector<const HeadIndex::Level*> levels;
  for (const HeadIndex::Group* group : ask.groups) {
    if (group->lane.queue != head.queue.name) continue;
    const HeadIndex::Level& level = group->at(head.run.priority);
    levels.push_back(&level);
    const auto alike = level.shapes.find(HeadIndex::ShapeOf(head.lane));
    if (alike != level.shapes.end()) take(alike->second, kLanesAlike);
  }
  std::set<HeadIndex::Place> others;
  for (const HeadIndex::Level* level : levels) {
    size_t count = 0;
    int tried = 0;
    for (const HeadIndex::Place& place : level->due) {
      if (count == kLanesMax || ++tried > kLanesTried) break;
      if (!IsBatchable(ask.heads.LaneAt(place).kind)) continue;
      others.insert(place);
      ++count;
    }
  }
  take(others, kLanesMax);
  return lanes;
}

// The lines of the head's queue, the head's own first.
std::vector<Line> LinesOf(Ask& ask, const Head& head) {
  struct Places {
    Lane lane;
    Lane spelled;
    std::vector<std::vector<LeasedRun>> owners;
  };
  std::vector<Places> found;
  for (const LaneId id : LanesBeside(ask, head)) {
    Lane lane = ask.tx.FindLane(id);
    std::vector<LeasedRun> due = DueTogether(ask.tx, id, head.run.priority);
    const int64_t most = std::max<int64_t>(ask.room.Of(lane.owner), 0);
    if (static_cast<int64_t>(due.size()) > most) due.resize(most);
    if (due.empty()) continue;
    Lane spelled = Spelled(ask, lane);
    const auto line =
        std::find_if(found.begin(), found.end(), [&](const Places& places) {
          return DifferInOwnerAlone(places.spelled, spelled);
        });
    if (line != found.end()) {
      line->owners.push_back(std::move(due));
    } else if (found.size() < kLinesMax) {
      found.push_back({std::move(lane), std::move(spelled), {}});
      found.back().owners.push_back(std::move(due));
    }
  }
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
bool MayJoin(const Ask& ask, const Lane& beside, const Head& head) {
  return head.queue.name == beside.queue &&
         MayStepTogether(ask, head.lane, beside) && MayCross(head);
}

// Whether the picked runs may join. A plan says which runs step together, and
// how long that is to take, so its batches may not. Runs whose lanes differ in
// more than their owner cannot.
bool Joins(const Ask& ask, const Lane& beside, const Picked& picked) {
  if (picked.planned) return false;
  return std::all_of(
      picked.runs.begin(), picked.runs.end(), [&](const LeasedRun& each) {
        return MayStepTogether(ask, ask.tx.FindLane(each.run.lane), beside);
      });
}

// The head's natural batch: runs of its job that have waited as long.
Picked NaturalBatch(Ask& ask, const Head& head) {
  int size = IsBatchable(head.lane.kind) ? head.queue.settings.batch_size : 1;
  if (ask.who.batch_size_max > 0) size = std::min(size, ask.who.batch_size_max);
  if (head.run.alone) size = 1;
  Picked picked{.queue = head.queue, .runs = LoadRuns(ask.tx, {head.run})};
  if (ask.policy != nullptr && size > 1) {
    size = std::min(size, ask.policy->RowsMax(ask.who, picked.runs[0].params));
  }
  if (size <= 1) return picked;
  std::vector<Run> members;
  for (Run& run : ask.tx.ReadyWith(head.run, size)) {
    if (!run.alone) members.push_back(std::move(run));
  }
  picked.runs = LoadRuns(ask.tx, std::move(members));
  if (ask.policy != nullptr) {
    picked.runs.resize(ask.policy->CountThatFit(ask.who, picked.runs));
  }
  return picked;
}

// The runs that go with the head now; none where they wait for more until
// `wait_until`.
Picked BatchOf(Ask& ask, const Head& head, absl::Time* wait_until) {
  Picked picked = PlannedBatch(ask, head);
  if (!picked.runs.empty()) return picked;
  if (ask.policy == nullptr || !MayCross(head)) return NaturalBatch(ask, head);
  LeasePolicy::Choice choice =
      ask.policy->Choose(head.queue, ask.who, LinesOf(ask, head), ask.tx.now());
  *wait_until = choice.wait_until;
  return {.queue = head.queue,
          .runs = std::move(choice.runs),
          .predicted_ms = choice.predicted_ms};
}

void PickInto(Ask& ask, const Lane* beside, Look* look) {
  look->next_time = NextDue(ask);
  while (true) {
    FirstHead first = FindFirstHead(ask);
    look->notes = std::move(first.notes);
    look->better = first.better;
    look->next_time = std::min(look->next_time, first.wait_until);
    if (!first.head) return;
    Queue queue = *ask.tx.FindQueue(first.head->lane.queue);
    const Head head =
        FirstByPlan(ask,
                    {std::move(first.head->lane), std::move(queue),
                     std::move(first.head->run)},
                    look);
    if (head.run.start_deadline <= ask.tx.now()) {
      look->late = head.run;
      look->late_queue = head.queue.name;
      return;
    }
    if (beside != nullptr && !MayJoin(ask, *beside, head)) return;
    absl::Time wait_until = absl::InfiniteFuture();
    Picked picked = BatchOf(ask, head, &wait_until);
    if (picked.runs.empty()) {
      ask.doors.Close(head.queue.name);
      look->next_time = std::min(look->next_time, wait_until);
      continue;
    }
    const size_t before = picked.runs.size();
    ask.room.Fit(&picked.runs);
    if (ask.policy != nullptr && picked.runs.size() > 1) {
      picked.runs.resize(ask.policy->CountThatMix(ask.who, picked.runs));
    }
    if (picked.runs.size() < before) {
      picked.plan = PlanId{};
      picked.predicted_ms = 0;
    }
    if (beside != nullptr && !Joins(ask, *beside, picked)) return;
    look->picked = std::move(picked);
    return;
  }
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

Look Pick(Tx& tx, const Lessee& who, LeasePolicy* policy, HeadIndex& heads,
          const Lane* beside) {
  Look look;
  Ask ask(tx, who, policy, heads);
  PickInto(ask, beside, &look);
  look.next_time = std::min(look.next_time, ask.doors.next_time());
  look.resumed = ask.doors.resumed();
  return look;
}

}  // namespace sheaf
