// Manual pages, made by walking the tree of commands. Pure functions.
#pragma once

#include <CLI/CLI.hpp>
#include <map>
#include <string>

namespace sheaf::cli {

// File name ("sheaf.1", "sheaf-job.1", ...) to page, in roff: one for the
// program, with its settings and exit codes, and one for each noun.
std::map<std::string, std::string> ManPages(const CLI::App& root);

}  // namespace sheaf::cli
