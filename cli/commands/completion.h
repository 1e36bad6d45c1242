// Completion scripts, made by walking the tree of commands, so that everything
// that can be typed can be completed. Pure functions, except for the live
// names.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "cli/support/context.h"

namespace sheaf::cli {

// A script for "bash", "zsh" or "fish" that completes nouns, verbs, flags,
// choices and files, and asks `sheaf __complete` for the names of jobs, queues
// and workers.
std::string CompletionScript(const CLI::App& root, const std::string& shell);

// The output of `sheaf __complete KIND`: the names of jobs, queues or workers
// that live now, one a line; an error if the server does not answer soon.
absl::StatusOr<std::string> LiveNames(Context& context,
                                      const std::string& kind);

}  // namespace sheaf::cli
