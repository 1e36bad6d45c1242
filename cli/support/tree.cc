#include "cli/support/tree.h"

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "base/near_word.h"

namespace sheaf::cli {
namespace {

CLI::Option* Typed(CLI::Option* option, const std::string& type) {
  option->type_name(type);
  if (!absl::StrContains(type, "|")) return option;
  const std::vector<std::string> choices = ChoiceWords(type);
  const std::vector<std::string> all = absl::StrSplit(type, '|');
  // Other values are checked by their reader.
  if (choices.size() < all.size()) return option;
  // A check of our own: CLI11's would put the choices into the type's name.
  return option->check(CLI::Validator(
      [choices, type](std::string& value) -> std::string {
        for (const std::string& choice : choices) {
          if (choice == value) return "";
        }
        return absl::StrCat("must be one of ",
                            absl::StrReplaceAll(type, {{"|", ", "}}), ", not '",
                            value, "'", DidYouMean(value, choices));
      },
      ""));
}

}  // namespace

std::vector<std::string> ChoiceWords(const std::string& type) {
  std::vector<std::string> words;
  if (!absl::StrContains(type, "|")) return words;
  for (const std::string& word :
       std::vector<std::string>(absl::StrSplit(type, '|'))) {
    const bool is_kind =
        !word.empty() &&
        absl::ascii_isupper(static_cast<unsigned char>(word[0]));
    if (!is_kind) words.push_back(word);
  }
  return words;
}

CLI::App& AddNoun(CLI::App& parent, const std::string& name,
                  const std::string& description) {
  CLI::App* noun = parent.add_subcommand(name, description);
  noun->require_subcommand(1);
  return *noun;
}

CLI::Option* AddValue(CLI::App* app, const std::string& name,
                      std::string* value, const std::string& type,
                      const std::string& description) {
  return Typed(app->add_option(name, *value, description), type);
}

CLI::Option* AddValues(CLI::App* app, const std::string& name,
                       std::vector<std::string>* values,
                       const std::string& type,
                       const std::string& description) {
  return Typed(app->add_option(name, *values, description), type)
      ->allow_extra_args(false);
}

CLI::Option* AddName(CLI::App* app, const std::string& name, std::string* value,
                     const std::string& type, const std::string& description) {
  return AddValue(app, name, value, type, description)->required();
}

CLI::Option* AddNames(CLI::App* app, const std::string& name,
                      std::vector<std::string>* values, const std::string& type,
                      const std::string& description) {
  return Typed(app->add_option(name, *values, description), type);
}

std::vector<const CLI::App*> Shown(const CLI::App& app) {
  return app.get_subcommands(
      [](const CLI::App* sub) { return sub->get_group() != ""; });
}

}  // namespace sheaf::cli
