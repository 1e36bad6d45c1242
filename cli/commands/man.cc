#include "cli/commands/man.h"

#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "base/status.h"
#include "base/version.h"
#include "cli/support/config.h"
#include "cli/support/errors.h"
#include "cli/support/tree.h"

namespace sheaf::cli {
namespace {

// Text that roff takes literally, also at the start of a line.
std::string Roff(const std::string& text) {
  std::string safe = absl::StrReplaceAll(text, {{"\\", "\\e"}, {"-", "\\-"}});
  if (!safe.empty() && (safe[0] == '.' || safe[0] == '\'')) {
    safe.insert(0, "\\&");
  }
  return safe;
}

std::string Head(const std::string& name, const std::string& description) {
  return absl::StrCat(".TH ", absl::AsciiStrToUpper(name), " 1 \"\" \"sheaf ",
                      kVersion, "\" \"User Commands\"\n.SH NAME\n", Roff(name),
                      " \\- ", Roff(description), "\n");
}

std::string OptionHead(const CLI::Option& option) {
  std::vector<std::string> names;
  for (const auto& name : option.get_snames()) names.push_back("-" + name);
  for (const auto& name : option.get_lnames()) names.push_back("--" + name);
  std::string head;
  for (const std::string& name : names) {
    absl::StrAppend(&head, head.empty() ? "" : ", ", "\\fB", Roff(name),
                    "\\fR");
  }
  if (names.empty())
    return absl::StrCat("\\fI", Roff(option.get_name()), "\\fR");
  if (option.get_items_expected_max() == 0) return head;
  return absl::StrCat(head, " \\fI", Roff(option.get_type_name()), "\\fR");
}

std::string Options(const CLI::App& app) {
  std::string text;
  for (const CLI::Option* option : app.get_options()) {
    absl::StrAppend(&text, ".TP\n", OptionHead(*option), "\n",
                    Roff(option->get_description()), "\n");
  }
  return text;
}

std::string Usage(const CLI::App& app, const std::string& path) {
  std::string usage = absl::StrCat("\\fB", Roff(path), "\\fR [options]");
  for (const CLI::Option* option : app.get_options()) {
    if (option->nonpositional()) continue;
    const bool many = option->get_items_expected_max() > 1;
    const std::string name = absl::StrCat("\\fI", Roff(option->get_name()),
                                          "\\fR", many ? " ..." : "");
    absl::StrAppend(&usage, " ",
                    option->get_required() ? name : "[" + name + "]");
  }
  return usage;
}

std::string Footer(const CLI::App& app) {
  if (app.get_footer().empty()) return "";
  std::string text = ".PP\n.nf\n";
  for (absl::string_view line : absl::StrSplit(app.get_footer(), '\n')) {
    absl::StrAppend(&text, Roff(std::string(line)), "\n");
  }
  return absl::StrCat(text, ".fi\n");
}

std::string VerbSection(const CLI::App& verb, const std::string& path) {
  return absl::StrCat(
      ".SS \"", Roff(verb.get_name()), "\"\n", Usage(verb, path), "\n.PP\n",
      Roff(verb.get_description()), ".\n", Options(verb), Footer(verb));
}

std::string NounPage(const CLI::App& noun) {
  const std::string path = absl::StrCat("sheaf ", noun.get_name());
  std::string page =
      Head(absl::StrCat("sheaf-", noun.get_name()), noun.get_description());
  const auto verbs = Shown(noun);
  if (verbs.empty()) {
    return absl::StrCat(page, ".SH SYNOPSIS\n", Usage(noun, path),
                        "\n.SH OPTIONS\n", Options(noun), Footer(noun),
                        ".SH SEE ALSO\n.BR sheaf (1)\n");
  }
  absl::StrAppend(&page, ".SH SYNOPSIS\n\\fB", path,
                  "\\fR \\fIcommand\\fR [options]\n.SH COMMANDS\n");
  for (const CLI::App* verb : verbs) {
    absl::StrAppend(
        &page, VerbSection(*verb, absl::StrCat(path, " ", verb->get_name())));
  }
  return absl::StrCat(page, ".SH SEE ALSO\n.BR sheaf (1)\n");
}

std::string SettingsSection() {
  std::string text =
      ".SH SETTINGS\nA flag wins over the environment, which wins over the "
      "user's file, which wins over the system's file.\n";
  for (const SettingSpec& spec : SettingSpecs()) {
    absl::StrAppend(&text, ".TP\n\\fB", Roff(spec.key), "\\fR, $",
                    spec.Environment(), "\n", Roff(spec.help), ".",
                    spec.fallback.empty()
                        ? ""
                        : absl::StrCat(" Default: ", Roff(spec.fallback), "."),
                    "\n");
  }
  return text;
}

std::string ProgramPage(const CLI::App& root) {
  std::string page = Head("sheaf", root.get_description());
  absl::StrAppend(&page,
                  ".SH SYNOPSIS\n\\fBsheaf\\fR \\fInoun\\fR \\fIverb\\fR "
                  "[options]\n.SH COMMANDS\n");
  for (const CLI::App* noun : Shown(root)) {
    absl::StrAppend(&page, ".TP\n.BR sheaf\\-", noun->get_name(), " (1)\n",
                    Roff(noun->get_description()), "\n");
  }
  absl::StrAppend(&page, ".SH OPTIONS\n", Options(root), SettingsSection(),
                  ".SH FILES\n.TP\n$XDG_CONFIG_HOME/sheaf/config.toml\nThe "
                  "user's settings, e.g. server = \"unix:/run/sheaf.sock\".\n"
                  ".TP\n/etc/sheaf/sheaf.toml\nThe system's settings.\n"
                  ".SH ERRORS\nWith -o json or jsonl an error is one line of "
                  "JSON on standard error, the last one: exitCode, code and "
                  "message, and where they are known reason, metadata, "
                  "violations, retryDelay and help.\n"
                  ".SH EXIT STATUS\n");
  for (const ExitCodeText& exit : ExitCodes()) {
    absl::StrAppend(&page, ".TP\n\\fB", exit.code, "\\fR\n", Roff(exit.text),
                    "\n");
  }
  return page;
}

}  // namespace

std::map<std::string, std::string> ManPages(const CLI::App& root) {
  std::map<std::string, std::string> pages;
  pages["sheaf.1"] = ProgramPage(root);
  for (const CLI::App* noun : Shown(root)) {
    pages[absl::StrCat("sheaf-", noun->get_name(), ".1")] = NounPage(*noun);
  }
  return pages;
}

}  // namespace sheaf::cli
