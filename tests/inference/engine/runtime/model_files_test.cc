#include "inference/engine/runtime/model_files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace sheaf::engine {
namespace {

using ::testing::ElementsAre;

const std::string kModels = SHEAF_SOURCE_DIR "/tests/golden/models/";

TEST(ModelFilesTest, TheDenoisersWeightsAreFoundInItsFamilysFolder) {
  const auto files = FindDenoiserWeights({.folder = kModels + "tiny-sdxl"});
  ASSERT_TRUE(files.ok()) << files.status().ToString();
  EXPECT_THAT(files->paths,
              ElementsAre(kModels + "tiny-sdxl/unet/diffusion_pytorch_model."
                                    "safetensors"));
  EXPECT_TRUE(absl::IsNotFound(
      FindDenoiserWeights({.folder = kModels + "tiny-none"}).status()));
}

}  // namespace
}  // namespace sheaf::engine
