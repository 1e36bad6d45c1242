#include "cli/support/config.h"

#include <filesystem>
#include <fstream>
#include <sstream>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "base/near_word.h"
#include "base/status.h"
#include "cli/support/errors.h"

#define TOML_EXCEPTIONS 0
#include "toml++/toml.h"

namespace sheaf::cli {
namespace {

std::vector<std::string> Keys() {
  std::vector<std::string> keys;
  for (const SettingSpec& spec : SettingSpecs()) keys.push_back(spec.key);
  return keys;
}

// Puts the file's values into `settings`, over what is there.
absl::Status ReadFile(const std::string& path, Settings* settings) {
  std::error_code error;
  if (path.empty() || !std::filesystem::exists(path, error)) {
    return absl::OkStatus();
  }
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  if (!file) return UsageError(absl::StrCat("cannot read ", path));
  const toml::parse_result parsed = toml::parse(text.str(), path);
  if (!parsed) {
    return UsageError(absl::StrCat(path, ":",
                                   parsed.error().source().begin.line, ": ",
                                   ToAbsl(parsed.error().description())));
  }
  for (const auto& [key, node] : parsed.table()) {
    const std::string name(key.str());
    const std::string place =
        absl::StrCat(path, ":", node.source().begin.line, ": ");
    if (!settings->contains(name)) {
      return UsageError(absl::StrCat(place, "unknown key '", name, "'",
                                     DidYouMean(name, Keys())));
    }
    const auto value = node.value_exact<std::string>();
    if (!value) {
      return UsageError(
          absl::StrCat(place, "'", name, "' must be a string in quotes"));
    }
    (*settings)[name] = {*value, path};
  }
  return absl::OkStatus();
}

absl::Status CheckChoice(const SettingSpec& spec, const SettingValue& value) {
  if (!absl::StrContains(spec.type, "|")) return absl::OkStatus();
  const std::vector<std::string> choices = absl::StrSplit(spec.type, '|');
  for (const std::string& choice : choices) {
    if (choice == value.value) return absl::OkStatus();
  }
  return UsageError(
      absl::StrCat(spec.key, " (", value.origin, ") must be one of ",
                   absl::StrReplaceAll(spec.type, {{"|", ", "}}), ", not '",
                   value.value, "'", DidYouMean(value.value, choices)));
}

}  // namespace

std::string SettingSpec::Environment() const {
  return absl::StrCat("SHEAF_", absl::AsciiStrToUpper(key));
}

std::string SettingSpec::Flag() const {
  return absl::StrCat("--", absl::StrReplaceAll(key, {{"_", "-"}}));
}

const std::vector<SettingSpec>& SettingSpecs() {
  static const auto* const kSpecs = new std::vector<SettingSpec>{
      {"server", "127.0.0.1:7420", "Server to talk to; unix:PATH works",
       "ADDRESS"},
      {"timeout", "10s", "Longest wait for one answer", "DURATION"},
      {"output", "table", "How to print data", "table|wide|json|jsonl|name"},
      {"color", "auto", "Colours; NO_COLOR turns them off too",
       "auto|always|never"},
      {"token_file", "", "File that holds the access token", "FILE"},
      {"queue", "default", "Queue that commands mean if none is named", "QUEUE",
       false},
      {"owner", "", "Owner that jobs are submitted for", "TEXT", false},
  };
  return *kSpecs;
}

std::string UserConfigFile(
    const std::function<std::optional<std::string>(const std::string&)>&
        environment) {
  const auto xdg = environment("XDG_CONFIG_HOME");
  // The XDG rules: a relative path there is to be ignored.
  if (xdg && !xdg->empty() && xdg->front() == '/') {
    return absl::StrCat(*xdg, "/sheaf/config.toml");
  }
  const auto home = environment("HOME");
  if (!home || home->empty()) return "";
  return absl::StrCat(*home, "/.config/sheaf/config.toml");
}

absl::StatusOr<Settings> ResolveSettings(const ConfigSources& sources) {
  Settings settings;
  for (const SettingSpec& spec : SettingSpecs()) {
    settings[spec.key] = {spec.fallback, "default"};
  }
  SHEAF_RETURN_IF_ERROR(ReadFile(sources.system_file, &settings));
  SHEAF_RETURN_IF_ERROR(ReadFile(sources.user_file, &settings));
  for (const SettingSpec& spec : SettingSpecs()) {
    SettingValue& setting = settings[spec.key];
    const auto from_environment = sources.environment(spec.Environment());
    // As for NO_COLOR: an empty variable counts as unset.
    if (from_environment && !from_environment->empty()) {
      setting = {*from_environment, spec.Environment()};
    }
    const auto flag = sources.flags.find(spec.key);
    if (flag != sources.flags.end()) {
      setting = {flag->second, absl::StrCat("flag ", spec.Flag())};
    }
    SHEAF_RETURN_IF_ERROR(CheckChoice(spec, setting));
  }
  return settings;
}

}  // namespace sheaf::cli
