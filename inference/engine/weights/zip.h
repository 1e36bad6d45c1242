// The ZIP container that .pt files are: a central directory of stored entries.
// Reads only archives as torch.save writes them; refuses all others.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace sheaf::engine {

// The entries' bytes by name, as views into `file`. INVALID_ARGUMENT, naming
// the entry where there is one: no archive, more than one disk, an entry that
// is compressed, encrypted, listed twice or not inside the file.
absl::StatusOr<std::map<std::string, std::string_view>> ReadStoredZip(
    std::string_view file);

}  // namespace sheaf::engine
