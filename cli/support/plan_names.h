// Plans as people name them.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "cli/support/context.h"
#include "sheaf/v1/batching_service.pb.h"

namespace sheaf::cli {

// "7" or "plans/7" -> "plans/7".
std::string PlanName(const std::string& text);

// The name of the plan that the caller named, or else of the queue's newest one
// that `suits`; `none` says what there is none of.
absl::StatusOr<std::string> PlanOrNewest(Context& context,
                                         const std::string& plan,
                                         const std::string& queue,
                                         bool (*suits)(const v1::Plan&),
                                         const char* none);
inline bool IsAnyPlan(const v1::Plan&) { return true; }

}  // namespace sheaf::cli
