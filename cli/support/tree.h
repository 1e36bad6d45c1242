// Puts the nouns and verbs of the command line together.
#pragma once

#include <CLI/CLI.hpp>
#include <memory>
#include <string>
#include <vector>

#include "cli/support/context.h"

namespace sheaf::cli {

// The arguments of a verb that takes none, and of one that takes a name.
struct NoArgs {};
struct NameArgs {
  std::string name;
};

// A verb and where its flags go. `args` lives as long as the tree.
template <class Args>
struct Verb {
  CLI::App* app;
  Args* args;
};

// Adds a verb (or a noun without verbs) under `parent`; when it is chosen,
// `run` becomes the context's action.
template <class Args>
Verb<Args> AddVerb(CLI::App& parent, Context& context, const std::string& name,
                   const std::string& description,
                   absl::Status (*run)(Context&, Args&)) {
  const auto args = std::make_shared<Args>();
  CLI::App* app = parent.add_subcommand(name, description);
  app->callback([&context, args, run] {
    context.action = [&context, args, run] { return run(context, *args); };
  });
  return {app, args.get()};
}

// Adds a noun, which needs one of its verbs.
CLI::App& AddNoun(CLI::App& parent, const std::string& name,
                  const std::string& description);

// The words of a type like "low|high"; none of another type. In "DURATION|any"
// the word in capitals stands for its values and is left out.
std::vector<std::string> ChoiceWords(const std::string& type);

// An option that takes one value. `type` shows in help; completion knows JOB,
// QUEUE, WORKER, FILE and DIR, and "a|b" as a list of choices, which is then
// also checked, unless a word in capitals allows other values.
CLI::Option* AddValue(CLI::App* app, const std::string& name,
                      std::string* value, const std::string& type,
                      const std::string& description);
// An option that may be given several times, one value each.
CLI::Option* AddValues(CLI::App* app, const std::string& name,
                       std::vector<std::string>* values,
                       const std::string& type, const std::string& description);
// As AddValue, for a positional, which must be given.
CLI::Option* AddName(CLI::App* app, const std::string& name, std::string* value,
                     const std::string& type, const std::string& description);
CLI::Option* AddNames(CLI::App* app, const std::string& name,
                      std::vector<std::string>* values, const std::string& type,
                      const std::string& description);

// The verbs of `app` that people are meant to see.
std::vector<const CLI::App*> Shown(const CLI::App& app);

}  // namespace sheaf::cli
