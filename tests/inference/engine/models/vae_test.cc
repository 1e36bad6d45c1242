#include "inference/engine/models/vae.h"

#include <gtest/gtest.h>

#include "tests/inference/engine/models/golden.h"

namespace sheaf::engine {
namespace {

// The golden file names the model or its VAE.
absl::StatusOr<std::unique_ptr<Vae>> LoadFor(const GoldenModule& golden) {
  const std::string folder =
      GoldenPath("models/" + golden.metadata.at("model"));
  const auto own = Config::Read(folder + "/config.json");
  return Vae::Load(own.ok() ? folder : folder + "/vae", {}, {});
}

TEST(VaeTest, SlicesGiveWhatTheWholeGives) {
  const c10::InferenceMode no_gradients;
  const GoldenModule golden = ReadGolden("modules/tiny-sd.vae");
  const auto vae = LoadFor(golden);
  ASSERT_TRUE(vae.ok()) << vae.status();
  const VaeOptions sliced = {.slicing = true};
  EXPECT_LE(Difference((*vae)->Decode(golden.at("latents"), sliced),
                       (*vae)->Decode(golden.at("latents"), {})),
            1e-5);
  EXPECT_LE(Difference((*vae)->Encode(golden.at("image"), sliced),
                       (*vae)->Encode(golden.at("image"), {})),
            1e-5);
}

TEST(VaeTest, ScalingAndBackIsNothing) {
  const c10::InferenceMode no_gradients;
  const GoldenModule golden = ReadGolden("modules/tiny-sdxl.vae");
  const auto vae = LoadFor(golden);
  ASSERT_TRUE(vae.ok()) << vae.status();
  const at::Tensor latents = golden.at("latents");
  const at::Tensor scaled = (*vae)->Scale(latents);
  EXPECT_LE(Difference(scaled, latents * 0.13025), 1e-6);
  EXPECT_LE(Difference((*vae)->Unscale(scaled), latents), 1e-5);
}

}  // namespace
}  // namespace sheaf::engine
