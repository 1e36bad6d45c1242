// The commands of sheaf-engine. Each prints to standard output what it was
// asked for and returns why it could not.
#pragma once

#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "inference/engine/cli/arguments.h"

namespace sheaf::engine {

struct Command {
  std::string_view name;
  std::string_view usage;  // What follows the name.
  std::string_view help;
  std::vector<Option> options;
  absl::Status (*run)(Arguments* arguments);
};

// In the order of a list for people.
const std::vector<Command>& Commands();

// One from each file of this folder.
Command TextToImageCommand();
Command ImageToImageCommand();
Command InspectCommand();
Command SchedulersCommand();
Command PreprocessCommand();
Command SheetCommand();
Command BenchCommand();
Command VerifyCommand();

}  // namespace sheaf::engine
