// The stacked prompts of the last step, with the keys and values that models
// computed from them. Rows mostly step with the same rows as before; then
// prompts need not be stacked again, nor keys and values computed again.
#pragma once

#include <memory>
#include <mutex>
#include <vector>

#include "inference/engine/families/unet/transformer.h"
#include "inference/engine/pipeline/denoiser.h"

namespace sheaf::engine {

// The prompts of one call of one model, line by line.
struct StackedPrompts {
  std::shared_ptr<const void> model;  // Kept alive, since layers are keys.
  std::vector<at::Tensor> lines;
  at::Tensor tokens;  // [lines, tokens, width], on the model's device.
  PromptKeys keys;
};

// Any thread.
class PromptMemory : public CallMemory {
 public:
  // Returns the prompts of that model's last call if its lines were the very
  // same tensors, otherwise new ones. The caller owns them until it passes them
  // to Keep().
  std::unique_ptr<StackedPrompts> Take(std::shared_ptr<const void> model,
                                       const std::vector<at::Tensor>& lines,
                                       at::Device device);
  // Replaces the prompts that the same model left before.
  void Keep(std::unique_ptr<StackedPrompts> prompts);
  // Must be called when adapters have changed.
  void Clear() override;

 private:
  std::mutex mutex_;
  // One for each model. Guarded by mutex_.
  std::vector<std::unique_ptr<StackedPrompts>> kept_;
};

}  // namespace sheaf::engine
