// Small files, whole: configurations, vocabularies, pictures.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace sheaf::engine {

// The bytes of a regular file of at most `size_max` bytes. NOT_FOUND,
// PERMISSION_DENIED, INVALID_ARGUMENT (no regular file, too large) with the
// path.
absl::StatusOr<std::string> ReadFile(const std::string& path, size_t size_max);

// Writes beside `path`, syncs and renames: a reader sees the old file or the
// new one. UNAVAILABLE with the path.
absl::Status WriteFile(const std::string& path, std::string_view bytes);

}  // namespace sheaf::engine
