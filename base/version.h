// The version of this build, as everything names it; CMake reads it here.
#pragma once

namespace sheaf {

inline constexpr char kVersion[] = "0.2.0";

}  // namespace sheaf
