#include "inference/engine/runtime/model_files.h"

#include <string>

#include "base/status.h"
#include "inference/engine/families/load_model.h"

namespace sheaf::engine {

absl::StatusOr<WeightFiles> FindDenoiserWeights(const ModelPlace& place) {
  SHEAF_ASSIGN_OR_RETURN(const std::string folder,
                         DenoiserFolder(place.folder));
  return FindWeights(
      folder, {.variant = place.variant, .allow_pickle = place.allow_pickle});
}

}  // namespace sheaf::engine
