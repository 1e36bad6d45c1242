// Storing, executing and undoing plans. queue/plan.h says what a plan is; how
// one is made is no concern of the queue's.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "queue/error.h"
#include "queue/store.h"

namespace sheaf {

// How long a plan that nobody executes is kept, and how long one that was
// replaced or undone stays readable.
inline constexpr absl::Duration kPlanLife = absl::Hours(24);
// Plans of a queue that wait to be executed, the newest.
inline constexpr int kReadyPlansMax = 8;

// A new plan without batches; gives it its id and times.
PlanRecord BeginPlan(Tx& tx, PlanRecord plan);
// Adds batches to a plan that is being stored. PLAN_NOT_FOUND.
absl::Status AddToPlan(Tx& tx, PlanId id, std::vector<PlanBatch> batches);
// The plan is whole and may be executed. PLAN_NOT_FOUND.
absl::StatusOr<PlanRecord> SealPlan(Tx& tx, PlanId id);

absl::StatusOr<PlanRecord> FindPlanOrError(PlanReads& plans, PlanId id);

struct PlanWithTimes {
  PlanRecord plan;
  PlanTimes times;
};
// PLAN_NOT_FOUND
absl::StatusOr<PlanWithTimes> FindPlanWithTimes(View& view, PlanId id);

// Plans of a queue, and the plan after which the list goes on; none at its end.
struct PlanPage {
  std::vector<PlanRecord> plans;
  std::optional<PlanId> next;
};
// Newest first, older than `before` where that is one; plans that are not whole
// yet are left out. QUEUE_NOT_FOUND.
absl::StatusOr<PlanPage> ListPlans(View& view, const std::string& queue,
                                   PlanId before, int limit);

struct ExecuteOptions {
  PlanId plan;  // none: the newest of `queue`
  std::string queue;
  std::string request_id;  // a second call with it answers as the first did
  std::string actor;
  bool unchanged = false;  // not even a live plan after a change
};
struct Executed {
  PlanRecord plan;
  bool replayed = false;
  bool operator==(const Executed&) const = default;
};
// "Queue reorganized successfully. 5 jobs → 3 batches"
std::string MessageOf(const Executed& executed);
// The plan of a queue that was executed with this request_id, of the newest
// ones.
std::optional<PlanRecord> FindExecuted(PlanReads& plans,
                                       const std::string& queue,
                                       const std::string& request_id);

// The plan's queue goes by it from now on. NO_ANALYSIS, PLAN_NOT_FOUND;
// ANALYSIS_STALE, with the changes, where the waiting runs are not those that
// were analyzed, unless the plan is live and may be executed in part.
absl::StatusOr<Executed> ExecutePlan(Tx& tx, const ExecuteOptions& options);

// The queue goes by the plan before it, or by none. PLAN_NOT_FOUND,
// PLAN_NOT_ACTIVE; PLAN_STARTED once a batch of it has been leased.
absl::StatusOr<PlanRecord> UndoPlan(Tx& tx, PlanId id,
                                    const std::string& actor);

// "2 jobs were submitted (jobs/7, jobs/8), 1 run was cancelled": what happened
// in the plan's queue since it was looked at; empty where nothing did.
std::string ChangesSince(EventReads& events, const PlanRecord& plan);

// The runs of a plan's batch that wait, are due and may go with others, in the
// batch's order.
std::vector<Run> StillWaiting(View& view, const PlanBatch& batch);

}  // namespace sheaf
