#include "queue/leasing/planned.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "queue/plans.h"

namespace sheaf {
namespace {

// The most batches that one lease looks at to find the first one that waits.
constexpr int kBatchesTried = 64;

// Whether the worker may begin with this run, although the turn is that of
// `head`.
bool MayGoFirst(Ask& ask, const Head& head, const LaneHead& first,
                LeaseNotes* notes) {
  if (first.run.priority < head.run.priority ||
      !CanServe(ask.who, first.lane) || ask.room.Of(first.lane.owner) <= 0) {
    return false;
  }
  const bool same_model =
      first.lane.model == head.lane.model && first.lane.vae == head.lane.vae;
  if (ask.policy == nullptr || same_model) return true;
  LeasePolicy::Turn turn = ask.policy->Next(ask.who, {first}, ask.tx.now());
  if (turn.head) return true;
  notes->passed.push_back(first.run.id);
  return false;
}

std::optional<LaneHead> FirstOf(Ask& ask, const Head& head,
                                std::vector<Run> members, LeaseNotes* notes) {
  for (Run& run : members) {
    LaneHead first{ask.tx.FindLane(run.lane), std::move(run)};
    if (MayGoFirst(ask, head, first, notes)) return first;
  }
  return std::nullopt;
}

}  // namespace

Head FirstByPlan(Ask& ask, Head head, Look* look) {
  if (!head.queue.plan || head.run.alone) return head;
  const auto own = ask.tx.FindPlanBatch(head.queue.plan, head.run.id);
  std::optional<PlanRecord> plan = ask.tx.FindPlan(head.queue.plan);
  if (!own || !plan) return head;
  const int64_t next = plan->next_batch;
  const int64_t end = std::min(own->number, next + kBatchesTried);
  std::optional<LaneHead> first;
  for (int64_t number = next; number < end && !first; ++number) {
    const auto batch = ask.tx.PlanBatches(plan->id, number - 1, 1);
    if (batch.empty()) break;
    std::vector<Run> members = StillWaiting(ask.tx, batch[0]);
    if (members.empty() && plan->next_batch == number) ++plan->next_batch;
    first = FirstOf(ask, head, std::move(members), &look->notes);
  }
  if (plan->next_batch > next) look->plan = *std::move(plan);
  if (!first) return head;
  return {std::move(first->lane), std::move(head.queue), std::move(first->run)};
}

Picked PlannedBatch(Ask& ask, const Head& head) {
  Picked picked{.queue = head.queue};
  if (!head.queue.plan || head.run.alone) return picked;
  const auto batch = ask.tx.FindPlanBatch(head.queue.plan, head.run.id);
  if (!batch) return picked;
  const Lessee& who = ask.who;
  int room = who.batch_size_max > 0 ? who.batch_size_max : kRunsPerJobMax;
  --room;  // for the head
  std::vector<Run> members;
  for (Run& run : StillWaiting(ask.tx, *batch)) {
    if (run.id != head.run.id && room-- <= 0) continue;
    if (run.lane != head.run.lane &&
        !CanServe(who, ask.tx.FindLane(run.lane))) {
      continue;
    }
    members.push_back(std::move(run));
  }
  picked.planned = !members.empty();
  if (members.size() == batch->runs.size()) {
    picked.plan = batch->plan;
    picked.plan_batch = batch->number;
  }
  picked.runs = LoadRuns(ask.tx, std::move(members));
  return picked;
}

}  // namespace sheaf
