// The requests that a UNet refuses, and its adapter slots. verify_test.cc
// checks that its numbers are right.
#include "inference/engine/families/unet/unet.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "inference/engine/models/load.h"
#include "tests/inference/engine/models/golden.h"

namespace sheaf::engine {
namespace {

using testing::HasSubstr;

constexpr char kFolder[] = "models/tiny-sd/unet";

Config ConfigWith(const std::string& text) {
  return Config::Read(GoldenPath(kFolder) + "/config.json")
      ->With(*Config::Parse(text, "changed"));
}

absl::StatusOr<std::unique_ptr<UNet>> Build(const TensorMap& tensors) {
  const auto config = ReadUNetConfig(ConfigWith("{}"));
  return BuildModule<UNet>(tensors, "tiny", {}, *config, nullptr);
}

TEST(UNetTest, ValuesThatItDoesNotKnowAreNamed) {
  const char* cases[][2] = {
      {R"({"class_embed_type": "timestep"})", "class_embed_type"},
      {R"({"num_attention_heads": 4})", "num_attention_heads"},
      {R"({"dual_cross_attention": true})", "dual_cross_attention"},
      {R"({"down_block_types": ["SkipDownBlock2D", "DownBlock2D"]})",
       "SkipDownBlock2D"},
      {R"({"norm_num_groups": 48})", "norm_num_groups"},
      {R"({"attention_head_dim": 0})", "attention_head_dim"},
      {R"({"act_fn": "mish"})", "act_fn"},
      {R"({"layers_per_block": [1, 2, 3]})", "layers_per_block"},
      {R"({"block_out_channels": []})", "block"},
      {R"({"addition_embed_type": "text_time"})", "addition_embed_type"}};
  for (const auto& [text, key] : cases) {
    const auto config = ReadUNetConfig(ConfigWith(text));
    EXPECT_EQ(config.status().code(), absl::StatusCode::kInvalidArgument)
        << text;
    EXPECT_THAT(std::string(config.status().message()), HasSubstr(key)) << text;
  }
}

TEST(UNetTest, KeysThatAreMissingMisshapedOrLeftOverAreNamed) {
  const TensorMap whole = LoadWeights(GoldenPath(kFolder), {}).value();
  TensorMap tensors = whole;
  EXPECT_TRUE(Build(tensors).ok());
  tensors.erase("conv_in.weight");
  tensors["conv_out.bias"] = MakeFloatTensor({5}, {1, 2, 3, 4, 5});
  const auto unfit = Build(tensors);
  EXPECT_THAT(
      std::string(unfit.status().message()),
      testing::AllOf(HasSubstr("conv_in.weight"), HasSubstr("conv_out.bias")));
  tensors = whole;
  tensors["conv_mid.bias"] = MakeFloatTensor({1}, {1});
  EXPECT_THAT(std::string(Build(tensors).status().message()),
              HasSubstr("conv_mid.bias"));
}

TEST(UNetTest, APlainMiddleIsOneResidualBlock) {
  const auto config =
      ReadUNetConfig(ConfigWith(R"({"mid_block_type": "UNetMidBlock2D"})"));
  ASSERT_TRUE(config.ok()) << config.status();
  TensorMap tensors = LoadWeights(GoldenPath(kFolder), {}).value();
  std::erase_if(tensors, [](const auto& item) {
    return item.first.starts_with("mid_block.resnets.1.") ||
           item.first.starts_with("mid_block.attentions.");
  });
  const auto built = BuildModule<UNet>(tensors, "tiny", {}, *config, nullptr);
  EXPECT_TRUE(built.ok()) << built.status();
}

TEST(UNetTest, AnAdapterInItsSlotIsAWeightChanged) {
  const c10::InferenceMode no_gradients;
  const GoldenModule golden = ReadGolden("modules/tiny-sd.unet.9x13");
  const UNetInput input = {.sample = golden.at("sample"),
                           .time = {.timesteps = golden.at("timestep")},
                           .context = golden.at("encoder_hidden_states")};
  const std::string name =
      "down_blocks.0.attentions.0.transformer_blocks.0.attn2.to_k.weight";
  TensorMap tensors = LoadWeights(GoldenPath(kFolder), {}).value();
  const at::Tensor weight = ToTorch(tensors.at(name));
  const at::Tensor down =
      at::sin(at::arange(3 * weight.size(1), at::kFloat)).reshape({3, -1});
  const at::Tensor up =
      at::cos(at::arange(3 * weight.size(0), at::kFloat)).reshape({-1, 3});
  AdapterSlots slots;
  const auto unet = UNet::Load(GoldenPath(kFolder), {}, {}, &slots);
  ASSERT_TRUE(unet.ok()) << unet.status();
  ASSERT_EQ(slots.count(name), 1u);
  slots.at(name)->changes.push_back({.down = down, .up = up, .scale = 0.25});
  const at::Tensor adapted = (**unet)(input);
  tensors[name] = FromTorch(weight + at::mm(up, down) * 0.25);
  const auto changed = Build(tensors);
  ASSERT_TRUE(changed.ok()) << changed.status();
  EXPECT_LE(Difference(adapted, (**changed)(input)), 2e-5);
  EXPECT_GT(Difference(adapted, golden.at("out")), 1e-3);
}

}  // namespace
}  // namespace sheaf::engine
