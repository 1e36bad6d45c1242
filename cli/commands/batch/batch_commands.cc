#include "cli/commands/batch/batch_commands.h"

#include "cli/commands/commands.h"
#include "cli/support/tree.h"

namespace sheaf::cli {

void AddBatchCommands(CLI::App& app, Context& context) {
  CLI::App& batch =
      AddNoun(app, "batch", "Show and change how runs are batched");
  AddAnalyze(batch, context);
  AddPlanCommands(batch, context);
  AddPricing(batch, context);
  AddSimulate(batch, context);
}

}  // namespace sheaf::cli
