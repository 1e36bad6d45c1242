#include "inference/engine/models/load.h"

namespace sheaf::engine {

absl::Status CheckAllUsed(const WeightBinder& binder,
                          const std::string& source) {
  const std::vector<std::string> unused = binder.Unused({"position_ids"});
  if (unused.empty()) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(
      source, ": ", unused.size(),
      " weights that this model does not have, the first: ", unused.front()));
}

}  // namespace sheaf::engine
