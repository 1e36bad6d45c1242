// The commands of sheaf-engine. Each prints its result to standard output, or
// returns an error that says why it could not: FAILED_PRECONDITION for a device
// that is not here, and for nothing else.
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "inference/engine/cli/arguments.h"

namespace sheaf::engine {

// A picture's file.
inline constexpr size_t kPictureBytesMax = size_t{256} << 20;

struct Command {
  std::string_view name;
  std::string_view usage;  // The words that follow the name.
  std::string_view help;
  std::vector<Option> options;
  absl::Status (*run)(Arguments* arguments);
};

// All commands, in the order in which help lists them.
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
Command DevicesCommand();

}  // namespace sheaf::engine
