// Runs a command line as a user would, in this process.
#pragma once

#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "cli/app.h"

namespace sheaf::cli {

struct RunResult {
  int exit = 0;
  std::string out;
  std::string err;
};

// `variables` are the whole environment; `terminal` makes all three streams a
// terminal; `input` is the content of standard input.
struct RunOptions {
  std::map<std::string, std::string> variables;
  bool terminal = false;
  std::string input;
};

inline RunResult RunCli(const std::vector<std::string>& arguments,
                        const RunOptions& options = {}) {
  std::istringstream in(options.input);
  std::ostringstream out;
  std::ostringstream err;
  Environment environment;
  environment.in = &in;
  environment.out = &out;
  environment.err = &err;
  environment.in_is_terminal = options.terminal;
  environment.out_is_terminal = options.terminal;
  environment.err_is_terminal = options.terminal;
  environment.system_file = "/nonexistent/sheaf.toml";
  environment.variable =
      [&](const std::string& name) -> std::optional<std::string> {
    const auto found = options.variables.find(name);
    if (found == options.variables.end()) return std::nullopt;
    return found->second;
  };
  const int exit = Run(arguments, environment);
  return {exit, out.str(), err.str()};
}

}  // namespace sheaf::cli
