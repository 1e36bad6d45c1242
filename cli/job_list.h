// `sheaf job list`.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

#include "cli/context.h"

namespace sheaf::cli {

void AddJobList(CLI::App& job, Context& context);

// The filter that --filter, --state and --queue ask for together.
absl::StatusOr<std::string> JobFilter(const std::string& filter,
                                      const std::string& state,
                                      const std::string& queue);

}  // namespace sheaf::cli
