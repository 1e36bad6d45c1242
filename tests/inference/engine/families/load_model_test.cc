// Which family a folder belongs to. hostile_model_test.cc spoils the rest.
#include "inference/engine/families/load_model.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "inference/engine/weights/file.h"
#include "tests/base/temp_folder.h"

namespace sheaf::engine {
namespace {

using ::testing::HasSubstr;

class LoadModelTest : public testing::Test {
 protected:
  LoadModelTest() {
    std::filesystem::copy(SHEAF_SOURCE_DIR "/tests/golden/models/tiny-sd",
                          Path(""), std::filesystem::copy_options::recursive);
  }
  std::string Path(const std::string& file) const {
    return folder_.path() + "/model/" + file;
  }
  // Loads the model as a pipeline of that class, with a UNet of that class.
  absl::Status LoadAs(const std::string& pipeline, const std::string& unet) {
    const std::string index =
        R"({"_class_name": ")" + pipeline + R"(", "unet": ["diffusers", ")" +
        unet + R"("], "text_encoder": ["transformers", "CLIPTextModel"]})";
    EXPECT_TRUE(WriteFile(Path("model_index.json"), index).ok());
    return LoadModel(Path(""), {}).status();
  }

  const TempFolder folder_;
};

TEST_F(LoadModelTest, TheClassOfThePipelineTellsTheFamily) {
  const absl::Status status = LoadAs("StableDiffusionPipeline", "MyUNet");
  EXPECT_TRUE(status.ok()) << status;
}

TEST_F(LoadModelTest, APipelineOfOnesOwnIsKnownByItsDenoiser) {
  const absl::Status status = LoadAs("MyPipeline", "UNet2DConditionModel");
  EXPECT_TRUE(status.ok()) << status;
}

TEST_F(LoadModelTest, AFamilyThatIsNotHereIsNamed) {
  const absl::Status status = LoadAs("FluxPipeline", "FluxTransformer2DModel");
  EXPECT_TRUE(absl::IsInvalidArgument(status)) << status;
  EXPECT_THAT(std::string(status.message()),
              HasSubstr("model_index.json: _class_name is FluxPipeline"));
}

TEST_F(LoadModelTest, TheFamilySaysWhereTheDenoiserLies) {
  EXPECT_TRUE(LoadAs("StableDiffusionPipeline", "MyUNet").ok());
  const std::string model = folder_.path() + "/model";
  EXPECT_EQ(DenoiserFolder(model).value(), model + "/unet");
  EXPECT_FALSE(LoadAs("FluxPipeline", "FluxTransformer2DModel").ok());
  EXPECT_TRUE(absl::IsInvalidArgument(DenoiserFolder(model).status()));
}

}  // namespace
}  // namespace sheaf::engine
