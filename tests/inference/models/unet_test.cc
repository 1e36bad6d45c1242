#include "inference/models/unet.h"

#include <gtest/gtest.h>

#include "tests/inference/models/golden.h"

namespace sheaf::engine {
namespace {

constexpr double kTolerance = 2e-5;

class UNetGolden : public testing::TestWithParam<std::string> {};

TEST_P(UNetGolden, EqualsTheReference) {
  const c10::InferenceMode no_gradients;
  const GoldenModule golden = ReadGolden("modules/" + GetParam());
  const auto unet =
      UNet::Load(GoldenPath("models/" + golden.metadata.at("model")), {}, {});
  ASSERT_TRUE(unet.ok()) << unet.status();
  UNetInput input = {.sample = golden.at("sample"),
                     .time = {.timesteps = golden.at("timestep")},
                     .context = golden.at("encoder_hidden_states")};
  if (golden.has("time_ids")) {
    input.time.pooled = golden.at("text_embeds");
    input.time.time_ids = golden.at("time_ids");
  }
  const at::Tensor out = (**unet)(input);
  EXPECT_LE(Difference(out, golden.at("out")), kTolerance);
}

INSTANTIATE_TEST_SUITE_P(Modules, UNetGolden,
                         testing::ValuesIn(GoldenNames("modules", "unet")),
                         [](const auto& info) { return TestName(info.param); });

}  // namespace
}  // namespace sheaf::engine
