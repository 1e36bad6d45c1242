#include "inference/engine/models/clip_text.h"

#include <gtest/gtest.h>

#include "tests/inference/engine/models/golden.h"

namespace sheaf::engine {
namespace {

constexpr double kTolerance = 1e-5;

TEST(ClipTextTest, EndIsTheLargestIdInOldConfigurations) {
  const c10::InferenceMode no_gradients;
  const GoldenModule golden = ReadGolden("modules/tiny-sd.text_encoder");
  const std::string folder = GoldenPath("models/tiny-sd/text_encoder");
  const auto tensors = LoadWeights(folder, {});
  ASSERT_TRUE(tensors.ok());
  const auto json = Config::Read(folder + "/config.json");
  auto config = ReadClipTextConfig(*json);
  ASSERT_TRUE(config.ok());
  config->end_id = 2;
  const auto clip =
      BuildModule<ClipText>(*tensors, folder, {}, *config, nullptr);
  ASSERT_TRUE(clip.ok()) << clip.status();
  EXPECT_LE(Difference((**clip)(golden.at("ids")).pooled, golden.at("pooled")),
            kTolerance);
}

}  // namespace
}  // namespace sheaf::engine
