// sheaf-engine: the diffusion engine from a command line.
#include <cstdio>
#include <string>
#include <vector>

#include "inference/engine/cli/commands.h"
#include "inference/engine/tensor/process.h"

namespace sheaf::engine {
namespace {

// A command that failed exits with 1.
constexpr int kExitUsage = 2;
constexpr int kExitNoDevice = 3;

void PrintHelp() {
  std::printf(
      "usage: sheaf-engine COMMAND ...\n"
      "       sheaf-engine COMMAND --help\n\n");
  for (const Command& command : Commands()) {
    std::printf("  %-11s %s\n", std::string(command.name).c_str(),
                std::string(command.help).c_str());
  }
  std::printf(
      "\nThe exit status is 0 on success, 1 when something failed, 2 for an\n"
      "unknown command or option, and 3 for a device that is not here.\n");
}

void PrintHelp(const Command& command) {
  std::printf("usage: sheaf-engine %s %s%s\n\n%s\n",
              std::string(command.name).c_str(),
              std::string(command.usage).c_str(),
              command.options.empty() ? "" : " [OPTION ...]",
              std::string(command.help).c_str());
  for (const Option& option : command.options) {
    const std::string name =
        "--" + std::string(option.name) + " " + std::string(option.value);
    std::printf("  %-30s %s\n", name.c_str(), std::string(option.help).c_str());
  }
}

int Run(const Command& command, const std::vector<std::string>& words) {
  for (const std::string& word : words) {
    if (word != "--help" && word != "-h") continue;
    PrintHelp(command);
    return 0;
  }
  auto arguments = Arguments::Parse(words, command.options);
  const absl::Status status =
      arguments.ok() ? command.run(&*arguments) : arguments.status();
  if (status.ok()) return 0;
  const std::string name(command.name);
  std::fprintf(stderr, "sheaf-engine %s: %s\n", name.c_str(),
               std::string(status.message()).c_str());
  if (absl::IsFailedPrecondition(status)) return kExitNoDevice;
  if (arguments.ok()) return 1;
  std::fprintf(stderr, "Try sheaf-engine %s --help.\n", name.c_str());
  return kExitUsage;
}

int Main(std::vector<std::string> words) {
  if (words.empty() || words[0] == "help" || words[0] == "--help" ||
      words[0] == "-h") {
    PrintHelp();
    return words.empty() ? kExitUsage : 0;
  }
  const std::string name = words[0];
  words.erase(words.begin());
  for (const Command& command : Commands()) {
    if (command.name == name) return Run(command, words);
  }
  std::fprintf(stderr, "sheaf-engine: no command %s (try help)\n",
               name.c_str());
  return kExitUsage;
}

}  // namespace
}  // namespace sheaf::engine

int main(int argc, char** argv) {
  sheaf::engine::PrepareProcess(argv);
  return sheaf::engine::Main({argv + 1, argv + argc});
}
