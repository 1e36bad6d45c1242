// The tree of nouns and verbs, and one run through it.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "cli/support/context.h"

namespace CLI {
class App;
}  // namespace CLI

namespace sheaf::cli {

// All of `sheaf`. `context` must outlive the tree. Global flags are kept in
// the tree until ReadGlobalFlags.
std::unique_ptr<CLI::App> MakeApp(Context* context);

// The global flags that were given, by key of their setting.
std::map<std::string, std::string> GlobalFlags(const CLI::App& app);

// Parses, runs and reports; returns the exit code. `arguments` is without the
// program's name.
int Run(const std::vector<std::string>& arguments, Environment environment);

}  // namespace sheaf::cli
