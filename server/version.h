// The version of this build, as everything names it.
#pragma once

#include <string_view>

namespace sheaf::server {

inline constexpr char kVersion[] = "0.2.0";

// Whether a worker that names this version knows nothing of secrets. What does
// not read as a version of ours ("1.2.3") is somebody else's.
bool IsOutdated(std::string_view version);

}  // namespace sheaf::server
