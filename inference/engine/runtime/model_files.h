// The files of a model, found without loading it.
//
// This header does not include LibTorch. Any thread.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "inference/engine/runtime/image_request.h"
#include "inference/engine/weights/folder.h"

namespace sheaf::engine {

// The weights of the model's denoiser. The errors of DenoiserFolder and of
// FindWeights.
absl::StatusOr<WeightFiles> FindDenoiserWeights(const ModelPlace& place);

// The facts of a model that its small files tell.
struct ModelFacts {
  std::string family;   // the class of its pipeline
  int native_side = 0;  // of the pictures that it was trained for; pixels
  std::vector<std::string> tasks;  // "text", "image", "inpaint", "edit"
};
// The errors of ReadTraits.
absl::StatusOr<ModelFacts> ReadModelFacts(const std::string& folder);

}  // namespace sheaf::engine
