// A key of this server's own, kept in its data directory.
#pragma once

#include <string>

#include "absl/status/statusor.h"

namespace sheaf::server {

// Reads DIR/server.key, or makes it: 32 random bytes for the server's user
// alone. Files sealed with another key do not count as this server's own
// (checkpoint_store.h).
absl::StatusOr<std::string> LoadServerKey(const std::string& directory);

}  // namespace sheaf::server
