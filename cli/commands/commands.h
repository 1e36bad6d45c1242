// The nouns of the command line; each function adds its own to the tree.
#pragma once

#include <CLI/CLI.hpp>

#include "cli/support/context.h"

namespace sheaf::cli {

void AddJobCommands(CLI::App& app, Context& context);
void AddQueueCommands(CLI::App& app, Context& context);
void AddWorkerCommands(CLI::App& app, Context& context);
void AddArtifactCommands(CLI::App& app, Context& context);
void AddEventsCommand(CLI::App& app, Context& context);
void AddBatchCommands(CLI::App& app, Context& context);
void AddModelsCommand(CLI::App& app, Context& context);
void AddStatsCommand(CLI::App& app, Context& context);
void AddTraceCommands(CLI::App& app, Context& context);
void AddAdminCommands(CLI::App& app, Context& context);
void AddDoctorCommand(CLI::App& app, Context& context);
// completion, man, config, version and the hidden __complete.
void AddToolCommands(CLI::App& app, Context& context);

}  // namespace sheaf::cli
