// `sheaf completion`, `man`, `config`, `version`: about the program itself.
#include <filesystem>
#include <fstream>
#include <ostream>

#include "absl/strings/str_cat.h"
#include "base/safe_text.h"
#include "base/status.h"
#include "base/version.h"
#include "cli/commands/commands.h"
#include "cli/commands/completion.h"
#include "cli/commands/man.h"
#include "cli/support/errors.h"
#include "cli/support/text.h"
#include "cli/support/tree.h"
#include "google/protobuf/struct.pb.h"

namespace sheaf::cli {
namespace {

struct CompletionArgs {
  const CLI::App* root = nullptr;
  std::string shell;
};

absl::Status RunCompletion(Context& context, CompletionArgs& args) {
  context.out() << CompletionScript(*args.root, args.shell);
  return absl::OkStatus();
}

struct CompleteArgs {
  std::string kind;
};

absl::Status RunComplete(Context& context, CompleteArgs& args) {
  SHEAF_ASSIGN_OR_RETURN(const std::string names,
                         LiveNames(context, args.kind));
  context.out() << names;
  return absl::OkStatus();
}

struct ManArgs {
  const CLI::App* root = nullptr;
  std::string directory;
};

absl::Status RunMan(Context& context, ManArgs& args) {
  const auto pages = ManPages(*args.root);
  if (args.directory.empty()) {
    context.out() << pages.at("sheaf.1");
    return absl::OkStatus();
  }
  std::error_code error;
  std::filesystem::create_directories(args.directory, error);
  for (const auto& [name, page] : pages) {
    const std::string path = absl::StrCat(args.directory, "/", name);
    std::ofstream file(path, std::ios::binary);
    file << page;
    file.close();
    if (!file) return absl::InternalError(absl::StrCat("cannot write ", path));
    context.out() << path << "\n";
  }
  return absl::OkStatus();
}

struct ConfigArgs {
  bool origin = false;
};

absl::Status RunConfigShow(Context& context, ConfigArgs& args) {
  const Format format = FormatFromText(context.Setting("output"));
  google::protobuf::Struct object;
  for (const SettingSpec& spec : SettingSpecs()) {
    const SettingValue& setting = context.settings().at(spec.key);
    auto& value = (*object.mutable_fields())[spec.key];
    if (args.origin) {
      auto* fields = value.mutable_struct_value()->mutable_fields();
      (*fields)["value"].set_string_value(setting.value);
      (*fields)["origin"].set_string_value(setting.origin);
    } else {
      value.set_string_value(setting.value);
    }
    if (format == Format::kJson || format == Format::kJsonl) continue;
    context.out() << spec.key << " = \"" << Printable(setting.value) << "\"";
    if (args.origin) context.out() << "  # " << Printable(setting.origin);
    context.out() << "\n";
  }
  if (format == Format::kJson) context.out() << ToJson(object, true);
  if (format == Format::kJsonl) context.out() << ToJson(object, false) << "\n";
  return absl::OkStatus();
}

absl::Status RunVersion(Context& context, NoArgs&) {
  const Format format = FormatFromText(context.Setting("output"));
  if (format == Format::kJson || format == Format::kJsonl) {
    google::protobuf::Struct object;
    (*object.mutable_fields())["version"].set_string_value(kVersion);
    context.out() << ToJson(object, false) << "\n";
  } else {
    context.out() << "sheaf " << kVersion << "\n";
  }
  return absl::OkStatus();
}

}  // namespace

void AddToolCommands(CLI::App& app, Context& context) {
  const auto [completion, completion_args] = AddVerb(
      app, context, "completion", "Print a completion script", &RunCompletion);
  completion_args->root = &app;
  AddName(completion, "shell", &completion_args->shell, "bash|zsh|fish",
          "Shell to complete in");
  completion->footer("Example: source <(sheaf completion bash)");

  const auto [complete, complete_args] = AddVerb(
      app, context, "__complete", "Print the current names", &RunComplete);
  complete->group("");
  AddName(complete, "kind", &complete_args->kind, "jobs|queues|workers",
          "Kind of names");

  const auto [man, man_args] =
      AddVerb(app, context, "man", "Write the manual pages", &RunMan);
  man_args->root = &app;
  AddValue(man, "directory", &man_args->directory, "DIR",
           "Directory for them; by default sheaf.1 is printed");

  CLI::App& config = AddNoun(app, "config", "Show the settings");
  const auto [show, show_args] =
      AddVerb(config, context, "show", "Show the settings", &RunConfigShow);
  show->add_flag("--origin", show_args->origin,
                 "Show the source of each setting");

  AddVerb(app, context, "version", "Print the version", &RunVersion);
}

}  // namespace sheaf::cli
