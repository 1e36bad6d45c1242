#include "inference/engine/families/unet/prompt_memory.h"

#include <gtest/gtest.h>

namespace sheaf::engine {
namespace {

std::vector<at::Tensor> Lines(int count) {
  std::vector<at::Tensor> lines;
  for (int i = 0; i < count; ++i) {
    lines.push_back(at::full({3, 2}, i, at::kFloat));
  }
  return lines;
}

TEST(PromptMemoryTest, TheSameLinesFindWhatTheyLeft) {
  PromptMemory memory;
  const auto model = std::make_shared<const int>(1);
  const std::vector<at::Tensor> lines = Lines(2);
  auto prompts = memory.Take(model, lines, at::kCPU);
  EXPECT_EQ(prompts->tokens.sizes(), at::IntArrayRef({2, 3, 2}));
  prompts->keys.of_layer[nullptr] = {};
  memory.Keep(std::move(prompts));
  EXPECT_EQ(memory.Take(model, lines, at::kCPU)->keys.of_layer.size(), 1u);
}

TEST(PromptMemoryTest, OtherLinesModelsOrOrdersBeginAnew) {
  PromptMemory memory;
  const auto model = std::make_shared<const int>(1);
  const std::vector<at::Tensor> lines = Lines(2);
  const auto is_new = [&](const std::shared_ptr<const int>& whose,
                          const std::vector<at::Tensor>& which) {
    auto prompts = memory.Take(model, lines, at::kCPU);
    prompts->keys.of_layer[nullptr] = {};  // A mark.
    memory.Keep(std::move(prompts));
    return memory.Take(whose, which, at::kCPU)->keys.of_layer.empty();
  };
  EXPECT_FALSE(is_new(model, lines));
  EXPECT_TRUE(is_new(std::make_shared<const int>(1), lines));
  EXPECT_TRUE(is_new(model, {lines[0]}));
  EXPECT_TRUE(is_new(model, {lines[1], lines[0]}));
  EXPECT_TRUE(is_new(model, {lines[0], lines[1].clone()}));
}

TEST(PromptMemoryTest, ClearForgetsAll) {
  PromptMemory memory;
  const auto model = std::make_shared<const int>(1);
  const std::vector<at::Tensor> lines = Lines(1);
  auto prompts = memory.Take(model, lines, at::kCPU);
  prompts->keys.of_layer[nullptr] = {};
  memory.Keep(std::move(prompts));
  memory.Clear();
  EXPECT_TRUE(memory.Take(model, lines, at::kCPU)->keys.of_layer.empty());
}

}  // namespace
}  // namespace sheaf::engine
