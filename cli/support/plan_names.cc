#include "cli/support/plan_names.h"

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "cli/support/errors.h"

namespace sheaf::cli {

std::string PlanName(const std::string& text) {
  return absl::StrContains(text, '/') ? text : absl::StrCat("plans/", text);
}

absl::StatusOr<std::string> PlanOrNewest(Context& context,
                                         const std::string& plan,
                                         const std::string& queue,
                                         bool (*suits)(const v1::Plan&),
                                         const char* none) {
  if (!plan.empty()) return PlanName(plan);
  v1::ListPlansRequest request;
  SHEAF_ASSIGN_OR_RETURN(*request.mutable_queue(), context.QueueOrUsual(queue));
  request.set_page_size(1000);
  SHEAF_ASSIGN_OR_RETURN(Client * client, context.Connect());
  SHEAF_ASSIGN_OR_RETURN(const auto plans,
                         client->Call<v1::ListPlansResponse>(
                             "sheaf.v1.BatchingService/ListPlans", request));
  for (const v1::Plan& each : plans.plans()) {
    if (suits(each)) return each.name();
  }
  return UsageError(absl::StrCat("no plan of ", request.queue(), " ", none));
}

}  // namespace sheaf::cli
