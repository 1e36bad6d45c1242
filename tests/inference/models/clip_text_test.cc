#include "inference/models/clip_text.h"

#include <gtest/gtest.h>

#include "tests/inference/models/golden.h"

namespace sheaf::engine {
namespace {

constexpr double kTolerance = 1e-5;

class ClipTextGolden : public testing::TestWithParam<std::string> {};

TEST_P(ClipTextGolden, EqualsTheReference) {
  const c10::InferenceMode no_gradients;
  const GoldenModule golden = ReadGolden("modules/" + GetParam());
  const auto clip = ClipText::Load(
      GoldenPath("models/" + golden.metadata.at("model")), {}, {});
  ASSERT_TRUE(clip.ok()) << clip.status();
  const ClipTextOutput out = (**clip)(golden.at("ids"));
  for (size_t i = 0; i < out.hidden.size(); ++i) {
    const std::string name = "hidden_" + std::to_string(i);
    if (i + 1 == out.hidden.size() && !golden.has(name)) continue;
    EXPECT_LE(Difference(out.hidden[i], golden.at(name)), kTolerance) << name;
  }
  EXPECT_LE(Difference(out.last, golden.at("last_hidden_state")), kTolerance);
  EXPECT_LE(Difference((*clip)->Skipped(out, 1), golden.at("clip_skip_1")),
            kTolerance);
  if (golden.has("text_embeds")) {
    EXPECT_LE(Difference(out.projected, golden.at("text_embeds")), kTolerance);
  } else {
    EXPECT_LE(Difference(out.pooled, golden.at("pooled")), kTolerance);
  }
}

INSTANTIATE_TEST_SUITE_P(Modules, ClipTextGolden,
                         testing::ValuesIn(GoldenNames("modules",
                                                       "text_encoder")),
                         [](const auto& info) { return TestName(info.param); });

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
