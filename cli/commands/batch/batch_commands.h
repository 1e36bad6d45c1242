// The verbs of `batch`, and what they share.
#pragma once

#include <CLI/CLI.hpp>

#include "cli/support/context.h"

namespace sheaf::cli {

// The calls of the service are named by this and the method.
inline constexpr char kBatchingService[] = "sheaf.v1.BatchingService/";

void AddAnalyze(CLI::App& batch, Context& context);
// Verbs that take a plan, and `list`.
void AddPlanCommands(CLI::App& batch, Context& context);
void AddPlanShow(CLI::App& batch, Context& context);
// `profile`, `forget` and `explain`.
void AddPricing(CLI::App& batch, Context& context);
void AddSimulate(CLI::App& batch, Context& context);

}  // namespace sheaf::cli
