// Analyzes a queue and executes the plan if it is worth it: what an external
// scheduler wants, in one call, so that two of them cannot undo each other's
// pause.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "queue/plans.h"
#include "queue/store.h"
#include "server/scheduling/plan_service.h"

namespace sheaf::server {

struct AnalyzedAndExecuted {
  std::optional<PlanRecord> plan;  // none where nothing can be batched
  bool executed = false;
  std::string message;  // what was done, or why nothing was
};

struct ExecuteIfWorthIt {
  PlanService::Question question;  // analyzed live
  double speedup_min = 1.1;
  std::string request_id;  // a second call with it answers as the first did
  std::string actor;
};

// Any thread. Borrows both until `done`, which it calls on a thread of the plan
// service or of the store. Errors are those of PlanService::Analyze and
// ExecutePlan.
void AnalyzeAndExecute(
    PlanService* plan_service, Store* store, ExecuteIfWorthIt request,
    std::function<void(absl::StatusOr<AnalyzedAndExecuted>)> done);

}  // namespace sheaf::server
