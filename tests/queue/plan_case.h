// A fixture for the effects of plans: stores and executes plans of the default
// queue.
#pragma once

#include <string>
#include <vector>

#include "queue/plans.h"
#include "tests/queue/use_case_test.h"

namespace sheaf {

class PlanCase : public UseCaseTest {
 protected:
  using Groups = std::vector<std::vector<RunId>>;

  // A whole plan of the default queue as it is now, not executed.
  PlanRecord Store(const Groups& groups, bool live = false) {
    return Write([&](Tx& tx) {
             PlanRecord plan;
             plan.queue = kDefaultQueue;
             plan.live = live;
             plan.mode = "mixed";
             plan.revision = tx.FindQueue(kDefaultQueue)->revision;
             plan.sequence = tx.LastSequence();
             plan.batch_count = static_cast<int64_t>(groups.size());
             plan = BeginPlan(tx, plan);
             std::vector<PlanBatch> batches;
             for (const auto& runs : groups) {
               batches.push_back(
                   {.number = static_cast<int64_t>(batches.size()) + 1,
                    .runs = runs});
             }
             EXPECT_TRUE(AddToPlan(tx, plan.id, batches).ok());
             return SealPlan(tx, plan.id);
           })
        .value();
  }
  absl::StatusOr<Executed> Execute(PlanId plan, std::string request_id = "") {
    return Write([&](Tx& tx) {
      return ExecutePlan(
          tx, {.plan = plan, .queue = kDefaultQueue, .request_id = request_id});
    });
  }
};

}  // namespace sheaf
