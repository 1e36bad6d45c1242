#include <cstdio>

#include "base/status.h"
#include "inference/engine/cli/commands.h"
#include "inference/engine/cli/placement.h"
#include "inference/engine/verify/verify.h"

namespace sheaf::engine {
namespace {

absl::Status RunVerify(Arguments* arguments) {
  if (arguments->words().size() != 1) {
    return absl::InvalidArgumentError("verify takes one folder");
  }
  SHEAF_ASSIGN_OR_RETURN(const Placement placement, PlacementOf(*arguments));
  VerifyOptions options = {.filter = arguments->Text("only", ""),
                           .placement = placement};
  if (arguments->Has("each")) {
    options.progress = [](const Outcome& outcome) {
      std::printf("%s %s %s: %.3g of %.3g %s\n",
                  outcome.holds() ? "holds" : "MISSES", outcome.group.c_str(),
                  outcome.name.c_str(), outcome.error, outcome.tolerance,
                  outcome.obstacle.c_str());
      std::fflush(stdout);
    };
  }
  std::fputs(RulesOf(options).c_str(), stdout);
  const std::vector<Outcome> outcomes = Verify(arguments->words()[0], options);
  std::fputs(ReportOf(outcomes).c_str(), stdout);
  if (AllHold(outcomes)) return absl::OkStatus();
  return absl::DataLossError("not all cases hold");
}

}  // namespace

Command VerifyCommand() {
  return {"verify",
          "FOLDER",
          "Runs the reference cases of a folder that has the layout of "
          "tests/golden.",
          {{"only", "PART", "run only cases whose name contains this"},
           {"each", "", "print a line for each case"},
           DeviceOption(),
           DtypeOption()},
          &RunVerify};
}

}  // namespace sheaf::engine
