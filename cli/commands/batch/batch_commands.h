// The verbs of `batch`, and what they share.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

#include "absl/status/statusor.h"
#include "cli/support/context.h"
#include "sheaf/v1/batching_service.pb.h"

namespace sheaf::cli {

// The calls of the service are named by this and the method.
inline constexpr char kBatchingService[] = "sheaf.v1.BatchingService/";

// Every batch of the plan, page after page.
absl::StatusOr<v1::ListPlanBatchesResponse> AllPlanBatches(
    Client& client, const std::string& plan);

// The line that says how to undo a plan that was executed.
std::string UndoHint(const v1::Plan& plan);

void AddAnalyze(CLI::App& batch, Context& context);
// Verbs that take a plan, and `list`.
void AddPlanCommands(CLI::App& batch, Context& context);
void AddPlanShow(CLI::App& batch, Context& context);
// `profile`, `forget` and `explain`.
void AddPricing(CLI::App& batch, Context& context);
void AddSimulate(CLI::App& batch, Context& context);

}  // namespace sheaf::cli
