// Settings of the command line and where each came from. A flag wins over the
// environment, which wins over the user's file, the system's file, and the
// default. Pure but for reading the two files.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace sheaf::cli {

// One thing that can be set. `key` is its name in a file; `SHEAF_` and the key
// in capitals is its name in the environment; `--` and the key with dashes is
// its flag, where it has one.
struct SettingSpec {
  std::string key;
  std::string fallback;
  std::string help;
  std::string type;  // As shown in help; "a|b" lists the only values allowed.
  bool has_flag = true;

  std::string Environment() const;
  std::string Flag() const;
};

// All settings, in the order in which they are shown.
const std::vector<SettingSpec>& SettingSpecs();

struct SettingValue {
  std::string value;
  std::string origin;  // "flag --server", "SHEAF_SERVER", a file, "default".
};

// By key; holds every key of SettingSpecs.
using Settings = std::map<std::string, SettingValue>;

struct ConfigSources {
  std::map<std::string, std::string> flags;  // By key; only those given.
  std::function<std::optional<std::string>(const std::string&)> environment;
  std::string user_file;  // A file that is not there counts as empty.
  std::string system_file = "/etc/sheaf/sheaf.toml";
};

// $XDG_CONFIG_HOME/sheaf/config.toml, or the same under ~/.config; empty
// without a home.
std::string UserConfigFile(
    const std::function<std::optional<std::string>(const std::string&)>&
        environment);

// INVALID_ARGUMENT names the file and line of an unknown key, of a value that
// is no string, and of broken TOML, or the origin of a value that is none of
// those allowed.
absl::StatusOr<Settings> ResolveSettings(const ConfigSources& sources);

}  // namespace sheaf::cli
