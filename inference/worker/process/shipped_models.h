// The models that come with the program.
#pragma once

#include <filesystem>

#include "absl/status/statusor.h"

namespace sheaf::worker {

// The folder of the models that come with the program at this path: where it
// was installed, share/sheaf/models beside bin; where it was built, models in
// the source tree. NOT_FOUND, with the places looked at, where there are none.
absl::StatusOr<std::filesystem::path> FindShippedModels(
    const std::filesystem::path& program);

// The same for the program that runs.
absl::StatusOr<std::filesystem::path> FindShippedModels();

}  // namespace sheaf::worker
