// sheaf-engine: the diffusion engine from a command line.
#include <cstdio>
#include <string>
#include <vector>

#include "inference/program/commands.h"
#include "inference/tensor/process.h"

namespace sheaf::engine {
namespace {

void PrintHelp(std::FILE* to) {
  std::fprintf(to, "usage: sheaf-engine COMMAND ...\n\n");
  for (const Command& command : Commands()) {
    std::fprintf(to, "  %s %s\n      %s\n", std::string(command.name).c_str(),
                 std::string(command.usage).c_str(),
                 std::string(command.help).c_str());
    for (const Option& option : command.options) {
      const std::string name =
          "--" + std::string(option.name) + " " + std::string(option.value);
      std::fprintf(to, "      %-26s %s\n", name.c_str(),
                   std::string(option.help).c_str());
    }
  }
}

int Main(std::vector<std::string> words) {
  if (words.empty() || words[0] == "help" || words[0] == "--help") {
    PrintHelp(stdout);
    return words.empty() ? 2 : 0;
  }
  const std::string name = words[0];
  words.erase(words.begin());
  for (const Command& command : Commands()) {
    if (command.name != name) continue;
    auto arguments = Arguments::Parse(words, command.options);
    const absl::Status status =
        arguments.ok() ? command.run(&*arguments) : arguments.status();
    if (status.ok()) return 0;
    std::fprintf(stderr, "sheaf-engine: %s\n",
                 std::string(status.message()).c_str());
    return 1;
  }
  std::fprintf(stderr, "sheaf-engine: no command %s (try help)\n",
               name.c_str());
  return 2;
}

}  // namespace
}  // namespace sheaf::engine

int main(int argc, char** argv) {
  sheaf::engine::PrepareProcess(argv);
  return sheaf::engine::Main({argv + 1, argv + argc});
}
