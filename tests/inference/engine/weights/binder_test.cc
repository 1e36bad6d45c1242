#include "inference/engine/weights/binder.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace sheaf::engine {
namespace {

using testing::ElementsAre;

TensorMap Weights() {
  return {{"conv_in.weight", MakeFloatTensor({2, 1}, {1, 2})},
          {"conv_in.bias", MakeFloatTensor({2}, {1, 2})},
          {"blocks.0.norm.weight", MakeFloatTensor({2}, {1, 2})},
          {"embeddings.position_ids", MakeFloatTensor({2}, {1, 2})}};
}

TEST(WeightBinderTest, FindsByScopeAndShape) {
  const TensorMap weights = Weights();
  WeightBinder binder(weights, "tiny");
  const WeightScope scope(&binder);
  EXPECT_NE(scope.Sub("conv_in").Get("weight", {2, 1}), nullptr);
  EXPECT_NE(scope.Sub("blocks", 0).Sub("norm").Get("weight", {-1}), nullptr);
  EXPECT_EQ(scope.Find("conv_out.weight"), nullptr);
  EXPECT_TRUE(binder.Finish().ok());
  EXPECT_THAT(binder.Unused({"position_ids"}), ElementsAre("conv_in.bias"));
}

TEST(WeightBinderTest, TellsWhatIsMissingAndMisshapedByName) {
  const TensorMap weights = Weights();
  WeightBinder binder(weights, "tiny/unet");
  const WeightScope scope(&binder);
  EXPECT_EQ(scope.Get("conv_in.weight", {2, 2}), nullptr);
  EXPECT_EQ(scope.Get("conv_in.bias", {2, 1}), nullptr);
  EXPECT_EQ(scope.Sub("mid").Get("weight", {2}), nullptr);
  EXPECT_EQ(std::string(binder.Finish().message()),
            "tiny/unet: the weights do not fit the model; missing: mid.weight; "
            "mis-shaped: conv_in.weight [2,1] not [2,2], conv_in.bias [2] not "
            "[2,1]");
}

TEST(WeightBinderTest, AModelOverNothingTellsWhatItWants) {
  const TensorMap weights;
  WeightBinder binder(weights, "tiny");
  const WeightScope scope(&binder);
  scope.Sub("conv_in").Get("weight", {2, 1});
  scope.Find("conv_in.bias");
  ASSERT_EQ(binder.missing().size(), 1u);
  EXPECT_EQ(binder.missing()[0].key, "conv_in.weight");
  EXPECT_THAT(binder.missing()[0].shape, ElementsAre(2, 1));
}

TEST(WeightBinderTest, ALongListIsCutShort) {
  const TensorMap weights;
  WeightBinder binder(weights, "x");
  for (int i = 0; i < 11; ++i) binder.Get(std::to_string(i), {});
  EXPECT_EQ(std::string(binder.Finish().message()),
            "x: the weights do not fit the model; missing: 0, 1, 2, 3, 4, 5, "
            "6, 7 and 3 more");
}

}  // namespace
}  // namespace sheaf::engine
