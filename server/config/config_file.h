// sheafd's configuration file: TOML, flat, every key one of ConfigKeys().
#pragma once

#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace sheaf::server {

// A value as its source wrote it, not yet checked.
struct RawValue {
  std::vector<std::string> texts;
  std::string origin;  // "flag --listen", "SHEAF_LISTEN", a file and line
};
using RawValues = std::map<std::string, RawValue>;  // by key

// NOT_FOUND where there is no such file. INVALID_ARGUMENT names the file and
// the line of broken TOML, of an unknown key and of a value of the wrong type.
absl::StatusOr<RawValues> ReadConfigFile(const std::string& path);

}  // namespace sheaf::server
