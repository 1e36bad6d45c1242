// The devices of this machine, by the names people write. Does not include
// LibTorch.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace sheaf::engine {

// The devices of this machine that this build can use, best first: "cuda:0",
// "cuda:1" and so on, or "cpu" alone where there is no GPU.
std::vector<std::string> DevicesHere();

// Turns "auto" into the first of `here`, "auto:1" into the second and so on,
// beginning again after the last. Returns any other name as it is.
// INVALID_ARGUMENT for an "auto:" that no number follows.
absl::StatusOr<std::string> ResolveDevice(std::string_view name,
                                          const std::vector<std::string>& here);

}  // namespace sheaf::engine
