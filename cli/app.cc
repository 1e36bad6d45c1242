#include "cli/app.h"

#include <map>
#include <ostream>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/near_word.h"
#include "base/status.h"
#include "base/version.h"
#include "cli/commands/commands.h"
#include "cli/support/errors.h"
#include "cli/support/tree.h"

namespace sheaf::cli {
namespace {

void AddGlobalFlags(CLI::App* app, Context* context) {
  for (const SettingSpec& spec : SettingSpecs()) {
    if (!spec.has_flag) continue;
    const std::string names =
        spec.key == "output" ? "-o,--output" : spec.Flag();
    const std::string fallback =
        spec.fallback.empty() ? "" : absl::StrCat(" [", spec.fallback, "]");
    app->add_option_function<std::string>(
           names, [](const std::string&) {}, spec.help + fallback)
        ->type_name(spec.type)
        ->take_last();
  }
  app->add_flag("-y,--yes", context->assume_yes, "Do not ask for confirmation");
  app->add_flag("-q,--quiet", context->quiet,
                "Print no messages except errors");
}

// The option that `word` names for a verb: its own, or one of its nouns'.
const CLI::Option* FindOption(const CLI::App* app, const std::string& word) {
  for (; app != nullptr; app = app->get_parent()) {
    const CLI::Option* option = app->get_option_no_throw(word);
    if (option != nullptr) return option;
  }
  return nullptr;
}

std::vector<std::string> OptionNames(const CLI::App* app) {
  std::vector<std::string> names;
  for (; app != nullptr; app = app->get_parent()) {
    for (const CLI::Option* option : app->get_options()) {
      for (const std::string& name : option->get_lnames()) {
        names.push_back("--" + name);
      }
    }
  }
  return names;
}

std::string PathOf(const CLI::App* app) {
  if (app->get_parent() == nullptr) return app->get_name();
  return absl::StrCat(PathOf(app->get_parent()), " ", app->get_name());
}

std::string UnknownVerb(const CLI::App* app, const std::string& word) {
  std::vector<std::string> names;
  for (const CLI::App* sub : Shown(*app)) names.push_back(sub->get_name());
  return absl::StrCat("'", PathOf(app), "' has no command '", word, "'",
                      DidYouMean(word, names));
}

const CLI::App* FindVerb(const CLI::App& app, const std::string& word) {
  for (const CLI::App* sub : app.get_subcommands({})) {
    if (sub->get_name() == word) return sub;
  }
  return nullptr;
}

// The meaning of the arguments, as far as they can be followed.
struct Reading {
  const CLI::App* app = nullptr;  // The deepest noun or verb named.
  std::string mistake;            // The first unknown word, if there is one.
};

// For a misspelt word, CLI11 says only that it was not expected.
Reading ReadArguments(const CLI::App& root,
                      const std::vector<std::string>& arguments) {
  Reading reading{.app = &root};
  for (size_t i = 0; i < arguments.size(); ++i) {
    const std::string& word = arguments[i];
    if (word == "--") break;
    if (word.size() > 1 && word[0] == '-') {
      const bool is_long = word[1] == '-';
      const std::string name =
          is_long ? word.substr(0, word.find('=')) : word.substr(0, 2);
      const CLI::Option* option = FindOption(reading.app, name);
      if (option == nullptr) {
        reading.mistake =
            absl::StrCat("unknown option '", name, "'",
                         DidYouMean(name, OptionNames(reading.app)));
        return reading;
      }
      if (option->get_items_expected_max() > 0 && name == word) ++i;
    } else if (!reading.app->get_subcommands({}).empty()) {
      const CLI::App* sub = FindVerb(*reading.app, word);
      if (sub == nullptr) {
        reading.mistake = UnknownVerb(reading.app, word);
        return reading;
      }
      reading.app = sub;
    }
  }
  return reading;
}

// An object for programs, lines for people. Without settings, which may be what
// is wrong, it is for people.
void PrintError(Context& context, const absl::Status& status) {
  if (context.settings().empty()) {
    context.err() << "error: " << Explain(status, "") << std::endl;
    return;
  }
  const std::string& server = context.Setting("server");
  if (context.IsJson()) {
    context.err() << ErrorJson(status, server) << std::endl;
    return;
  }
  const bool color = context.UsesColor(context.environment().err_is_terminal);
  context.err() << (color ? "\033[31merror:\033[0m " : "error: ")
                << Explain(status, server) << std::endl;
}

int ReportUsage(Context& context, const CLI::App& app,
                const std::vector<std::string>& arguments,
                const CLI::ParseError& error) {
  // The flags that were understood say how to print the error.
  const bool configured = context.Configure(GlobalFlags(app)).ok();
  const bool is_json = configured && context.IsJson();
  const Reading reading = ReadArguments(app, arguments);
  const bool lacks_verb =
      reading.mistake.empty() && !reading.app->get_subcommands({}).empty();
  if (lacks_verb && !is_json) {
    context.err() << reading.app->help();
    return kExitUsage;
  }
  PrintError(context, UsageError(reading.mistake.empty() ? error.what()
                                                         : reading.mistake));
  if (!is_json) {
    context.Say(absl::StrCat("See '", PathOf(reading.app), " --help'."));
  }
  return kExitUsage;
}

int Report(Context& context, const absl::Status& status) {
  if (!status.ok() && !status.message().empty()) {
    PrintError(context, status);
    return ExitCodeOf(status);
  }
  context.out().flush();
  if (context.out()) return ExitCodeOf(status);
  PrintError(context, absl::InternalError("cannot write to standard output"));
  return kExitInternal;
}

}  // namespace

std::unique_ptr<CLI::App> MakeApp(Context* context) {
  auto app = std::make_unique<CLI::App>(
      "Submit image jobs to a Sheaf server and manage its queues.", "sheaf");
  app->require_subcommand(1);
  // Global flags may stand after the verb, too; all nouns and verbs inherit
  // this.
  app->fallthrough();
  app->set_version_flag("--version", absl::StrCat("sheaf ", kVersion));
  AddGlobalFlags(app.get(), context);
  AddJobCommands(*app, *context);
  AddQueueCommands(*app, *context);
  AddWorkerCommands(*app, *context);
  AddArtifactCommands(*app, *context);
  AddEventsCommand(*app, *context);
  AddBatchCommands(*app, *context);
  AddModelsCommand(*app, *context);
  AddStatsCommand(*app, *context);
  AddTraceCommands(*app, *context);
  AddAdminCommands(*app, *context);
  AddDoctorCommand(*app, *context);
  AddToolCommands(*app, *context);
  return app;
}

std::map<std::string, std::string> GlobalFlags(const CLI::App& app) {
  std::map<std::string, std::string> flags;
  for (const SettingSpec& spec : SettingSpecs()) {
    if (!spec.has_flag) continue;
    const CLI::Option* option = app.get_option(spec.Flag());
    if (option->count() > 0) flags[spec.key] = option->results().back();
  }
  return flags;
}

int Run(const std::vector<std::string>& arguments, Environment environment) {
  Context context(std::move(environment));
  const std::unique_ptr<CLI::App> app = MakeApp(&context);
  try {
    app->parse(std::vector<std::string>(arguments.rbegin(), arguments.rend()));
  } catch (const CLI::Success& help_or_version) {
    app->exit(help_or_version, context.out(), context.err());
    return kExitOk;
  } catch (const CLI::ParseError& error) {
    return ReportUsage(context, *app, arguments, error);
  }
  const absl::Status configured = context.Configure(GlobalFlags(*app));
  if (!configured.ok()) {
    PrintError(context, configured);
    return ExitCodeOf(configured);
  }
  return Report(context, context.action());
}

}  // namespace sheaf::cli
