// Requests to tiny models, and the pictures that they give alone.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "inference/engine/image/image.h"
#include "inference/engine/runtime/image_runtime.h"

namespace sheaf::engine {

// The folder of a tiny model.
std::string TinyModel(const std::string& name);

ImageRequest MakeRequest(uint64_t seed, int steps = 3,
                         const std::string& model = "tiny-sd");

std::unique_ptr<ImageRuntime> OpenRuntime(const RuntimeOptions& options = {});

// Steps until all rows have ended; returns how each one did.
std::map<ImageRuntime::RowId, absl::StatusOr<Image>> StepAll(
    ImageRuntime* runtime, size_t rows);

std::string HashAlone(const ImageRequest& wanted);

}  // namespace sheaf::engine
