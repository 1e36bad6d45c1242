// ControlNetModel: a copy of a UNet's way down that looks at a picture and
// returns maps to add to the UNet's own.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "inference/engine/families/unet/unet.h"
#include "inference/engine/pipeline/control_model.h"

namespace sheaf::engine {

struct ControlInput {
  at::Tensor sample;
  TimeInput time;
  at::Tensor context;
  PromptKeys* keys = nullptr;  // As UNetInput's.
  at::Tensor hint;  // [rows, 3, picture's height, width] in [0, 1], RGB
  // The control's strength for each row: [rows].
  at::Tensor weights;
  // Weak outside, full in the middle: for pictures without a prompt.
  bool guess_mode = false;
};

// Immutable except for its adapter slots. Any thread.
class ControlNet : public ControlModel {
 public:
  // The errors of UNet::Load.
  static absl::StatusOr<std::unique_ptr<ControlNet>> Load(
      const std::string& folder, const LoadOptions& options,
      const Placement& placement, AdapterSlots* slots = nullptr);

  // LoadModule calls this.
  ControlNet(const ModuleScope& scope, const UNetConfig& config);

  // The map that is added to the sample's first map.
  at::Tensor Hint(const at::Tensor& pictures) const override;
  bool guesses() const override { return config_.pools_residuals; }

  // `input.hint` is a picture.
  ControlResiduals operator()(const ControlInput& input) const;
  // `input.hint` is a result of Hint().
  ControlResiduals WithHint(const ControlInput& input) const;

 private:
  UNetConfig config_;
  Placement placement_;
  UNetEncoder encoder_;
  Conv2d hint_in_;
  std::vector<Conv2d> hint_blocks_;
  Conv2d hint_out_;
  std::vector<Conv2d> outputs_;
  Conv2d middle_;
};

}  // namespace sheaf::engine
