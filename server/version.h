// The version of this build, as everything names it.
#pragma once

namespace sheaf::server {

inline constexpr char kVersion[] = "0.1.0";

}  // namespace sheaf::server
