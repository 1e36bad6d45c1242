#include "inference/engine/families/unet/controlnet.h"

#include <gtest/gtest.h>

#include "tests/inference/engine/models/golden.h"

namespace sheaf::engine {
namespace {

absl::StatusOr<std::unique_ptr<ControlNet>> LoadFor(
    const GoldenModule& golden) {
  return ControlNet::Load(GoldenPath("models/" + golden.metadata.at("model")),
                          {}, {});
}

ControlInput InputOf(const GoldenModule& golden) {
  const at::Tensor sample = golden.at("sample");
  ControlInput input = {
      .sample = sample,
      .time = {.timesteps = golden.at("timestep")},
      .context = golden.at("encoder_hidden_states"),
      .hint = golden.at("controlnet_cond"),
      .weights = at::full({sample.size(0)},
                          std::stod(golden.metadata.at("conditioning_scale"))),
      .guess_mode = golden.metadata.at("guess_mode") == "true"};
  if (golden.has("time_ids")) {
    input.time.pooled = golden.at("text_embeds");
    input.time.time_ids = golden.at("time_ids");
  }
  return input;
}

TEST(ControlNetTest, EachRowHasItsOwnWeight) {
  const c10::InferenceMode no_gradients;
  const GoldenModule golden = ReadGolden("modules/controlnet-a");
  const auto net = LoadFor(golden);
  ASSERT_TRUE(net.ok()) << net.status();
  ControlInput input = InputOf(golden);
  const at::Tensor whole = (**net)(input).middle;
  input.weights = at::tensor({0.35f, 1.4f});
  const at::Tensor out = (**net)(input).middle;
  EXPECT_LE(Difference(out[0], whole[0] * 0.5), 1e-6);
  EXPECT_LE(Difference(out[1], whole[1] * 2.0), 1e-6);
}

}  // namespace
}  // namespace sheaf::engine
