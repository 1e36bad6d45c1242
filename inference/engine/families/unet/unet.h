// UNet2DConditionModel: SD 1.x, 2.x and XL, inpainting and editing variants.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "inference/engine/families/unet/unet_blocks.h"
#include "inference/engine/weights/folder.h"

namespace sheaf::engine {

// The maps that a ControlNet adds to a UNet: one for each of the UNet's
// residuals, and one for its middle. A map of one pixel is added everywhere.
struct ControlResiduals {
  std::vector<at::Tensor> down;
  at::Tensor middle;
  // The rows of the UNet's call that these maps are for; int64. Undefined: all.
  at::Tensor rows;
};

struct UNetInput {
  at::Tensor sample;  // [rows, in_channels, height, width]
  TimeInput time;
  at::Tensor context;  // [rows, tokens, width]
  // Keeps the layers' keys and values of `context` for later calls. Null: they
  // are computed in each call.
  PromptKeys* keys = nullptr;
  std::vector<ControlResiduals> controls;
};

// Immutable except for its adapter slots. Any thread.
class UNet {
 public:
  // From a component's folder. The errors of Config::Read, ReadUNetConfig and
  // LoadWeights; INVALID_ARGUMENT lists keys that are missing, mis-shaped or
  // not used. `slots`, where not null, receives the layers' slots.
  static absl::StatusOr<std::unique_ptr<UNet>> Load(
      const std::string& folder, const LoadOptions& options,
      const Placement& placement, AdapterSlots* slots = nullptr);

  // LoadModule calls this; all other code calls Load().
  UNet(const ModuleScope& scope, const UNetConfig& config);

  // The model's output: [rows, out_channels, height, width], in the type of
  // the sample.
  at::Tensor operator()(const UNetInput& input) const;

  const UNetConfig& config() const { return config_; }
  // The side of the samples that it was trained for.
  int64_t side() const { return config_.sample_size; }
  const Placement& placement() const { return placement_; }

 private:
  UNetConfig config_;
  Placement placement_;
  UNetEncoder encoder_;
  std::vector<UpBlock> up_;
  GroupNorm norm_out_;
  Conv2d conv_out_;
};

}  // namespace sheaf::engine
