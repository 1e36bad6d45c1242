#include "inference/engine/families/unet/prompt_memory.h"

#include <algorithm>
#include <utility>

namespace sheaf::engine {
namespace {

// A UNet and the ControlNets of its rows.
constexpr size_t kModelsMax = 8;

bool AreTheSame(const std::vector<at::Tensor>& a,
                const std::vector<at::Tensor>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](const at::Tensor& one, const at::Tensor& other) {
                      return one.is_same(other);
                    });
}

}  // namespace

std::unique_ptr<StackedPrompts> PromptMemory::Take(
    std::shared_ptr<const void> model, const std::vector<at::Tensor>& lines,
    at::Device device) {
  {
    const std::lock_guard lock(mutex_);
    for (auto it = kept_.begin(); it != kept_.end(); ++it) {
      if ((*it)->model != model) continue;
      std::unique_ptr<StackedPrompts> prompts = std::move(*it);
      kept_.erase(it);
      if (AreTheSame(prompts->lines, lines)) return prompts;
      break;
    }
  }
  auto prompts = std::make_unique<StackedPrompts>();
  prompts->model = std::move(model);
  prompts->lines = lines;
  prompts->tokens = at::stack(lines).to(device);
  return prompts;
}

void PromptMemory::Keep(std::unique_ptr<StackedPrompts> prompts) {
  const std::lock_guard lock(mutex_);
  std::erase_if(
      kept_, [&](const auto& kept) { return kept->model == prompts->model; });
  if (kept_.size() == kModelsMax) kept_.erase(kept_.begin());
  kept_.push_back(std::move(prompts));
}

void PromptMemory::Clear() {
  const std::lock_guard lock(mutex_);
  kept_.clear();
}

}  // namespace sheaf::engine
