// A UNet, with the ControlNets of its rows, as a denoiser.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "inference/engine/families/unet/unet.h"
#include "inference/engine/pipeline/denoiser.h"

namespace sheaf::engine {

// Lines of one key have samples of one size and prompts of one length.
class UNetDenoiser : public Denoiser {
 public:
  explicit UNetDenoiser(std::shared_ptr<const UNet> unet)
      : unet_(std::move(unet)) {}

  CallKey KeyOf(const Line& line) const override;
  // Lines of one key are rows of one tensor: all weigh the same.
  int64_t WeightOf(const Line&) const override { return 1; }
  std::vector<at::Tensor> Call(const std::vector<Line>& lines,
                               CallMemory* memory) const override;
  std::unique_ptr<CallMemory> NewMemory() const override;
  absl::StatusOr<std::shared_ptr<const ControlModel>> LoadControl(
      const std::string& folder, const LoadOptions& options) const override;

 private:
  const std::shared_ptr<const UNet> unet_;
};

}  // namespace sheaf::engine
