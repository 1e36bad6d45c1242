#include "inference/engine/cli/commands.h"

namespace sheaf::engine {

const std::vector<Command>& Commands() {
  static const auto* commands = new std::vector<Command>{
      TextToImageCommand(), ImageToImageCommand(), InspectCommand(),
      SchedulersCommand(),  PreprocessCommand(),   SheetCommand(),
      BenchCommand(),       VerifyCommand(),       DevicesCommand()};
  return *commands;
}

}  // namespace sheaf::engine
