// Stable Diffusion 1.x, 2.x and XL: models whose denoiser is a UNet.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "inference/engine/pipeline/model.h"

namespace sheaf::engine {

// The component that is the denoiser, by its folder in the model's.
inline constexpr std::string_view kUNetFolder = "unet";

// Fills in the parts and traits of a model whose folder, index and options are
// set. The errors of the components' readers, each with its path. Throws as
// LibTorch does.
absl::Status LoadUNetModel(Model* model);

// The traits of the model in `folder`. The errors of Config::Read,
// ReadUNetConfig and ReadVaeConfig.
absl::StatusOr<ModelTraits> ReadUNetTraits(const std::string& folder);

// The tasks of a UNet that stands alone in `folder`. INVALID_ARGUMENT for a
// component of another class; the errors of Config::Read and ReadUNetConfig.
absl::StatusOr<std::vector<Task>> ReadUNetTasks(const std::string& folder);

}  // namespace sheaf::engine
