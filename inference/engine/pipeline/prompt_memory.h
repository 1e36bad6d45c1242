// What models have made of the prompts of the last step. Rows mostly step with
// the same rows as before: then their prompts need not be stacked again, nor
// keys and values be computed from them.
#pragma once

#include <memory>
#include <mutex>
#include <vector>

#include "inference/engine/models/transformer.h"

namespace sheaf::engine {

// The prompts of one call of one model, line by line.
struct StackedPrompts {
  std::shared_ptr<const void> model;  // Kept alive, since layers are keys.
  std::vector<at::Tensor> lines;
  at::Tensor tokens;  // [lines, tokens, width], on the model's device.
  PromptKeys keys;
};

// Any thread.
class PromptMemory {
 public:
  // Those of the last call of that model with the very same lines, or new ones.
  // They are the caller's until it keeps them again.
  std::unique_ptr<StackedPrompts> Take(std::shared_ptr<const void> model,
                                       const std::vector<at::Tensor>& lines,
                                       at::Device device);
  // In place of what the same model has left before.
  void Keep(std::unique_ptr<StackedPrompts> prompts);
  void Clear();

 private:
  std::mutex mutex_;
  // One for each model. Guarded by mutex_.
  std::vector<std::unique_ptr<StackedPrompts>> kept_;
};

}  // namespace sheaf::engine
