// The files of a model, found without loading it.
//
// This header does not include LibTorch. Any thread.
#pragma once

#include "absl/status/statusor.h"
#include "inference/engine/runtime/image_request.h"
#include "inference/engine/weights/folder.h"

namespace sheaf::engine {

// The weights of the model's denoiser. The errors of DenoiserFolder and of
// FindWeights.
absl::StatusOr<WeightFiles> FindDenoiserWeights(const ModelPlace& place);

}  // namespace sheaf::engine
