#include "inference/worker/torch/catalog.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/base/temp_folder.h"

namespace sheaf::worker {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;

class CatalogTest : public ::testing::Test {
 protected:
  // A folder that looks like a model's, with a sheaf.toml.
  void AddModel(const std::string& name, const std::string& table,
                int in_channels = 4) {
    folder_.Write(name + "/model_index.json",
                  R"({"_class_name": "StableDiffusionPipeline"})");
    folder_.Write(name + "/unet/config.json",
                  R"({"sample_size": 8, "block_out_channels": [32, 64],
                      "down_block_types": ["DownBlock2D", "DownBlock2D"],
                      "up_block_types": ["UpBlock2D", "UpBlock2D"],
                      "cross_attention_dim": 32, "in_channels": )" +
                      std::to_string(in_channels) + "}");
    folder_.Write(name + "/vae/config.json",
                  R"({"block_out_channels": [32, 64, 64, 64],
                      "down_block_types": [
                        "DownEncoderBlock2D", "DownEncoderBlock2D",
                        "DownEncoderBlock2D", "DownEncoderBlock2D"],
                      "up_block_types": [
                        "UpDecoderBlock2D", "UpDecoderBlock2D",
                        "UpDecoderBlock2D", "UpDecoderBlock2D"]})");
    folder_.Write(name + "/scheduler/scheduler_config.json",
                  R"({"_class_name": "PNDMScheduler"})");
    folder_.Write(name + "/controlnet_edge/config.json", "{}");
    folder_.Write(name + "/vae_sharp/config.json", "{}");
    folder_.Write(name + "/sheaf.toml", table);
  }
  v1::Catalog Read() {
    const auto models = ModelList::Read({folder_.path()});
    EXPECT_TRUE(models.ok()) << models.status().ToString();
    return CatalogOf(*models);
  }

  TempFolder folder_;
};

TEST_F(CatalogTest, AModelIsDescribedByItsFilesAndItsTable) {
  AddModel("box", "steps = 30\nguidance = 3.0\n");
  const v1::Catalog catalog = Read();
  ASSERT_EQ(catalog.models_size(), 1);
  const v1::CatalogModel& model = catalog.models(0);
  EXPECT_EQ(model.name(), "box");
  EXPECT_TRUE(model.is_default());
  EXPECT_EQ(model.family(), "StableDiffusionPipeline");
  EXPECT_EQ(model.defaults().width(), 64);
  EXPECT_EQ(model.defaults().height(), 64);
  EXPECT_EQ(model.defaults().steps(), 30);
  EXPECT_EQ(model.defaults().guidance(), 3);
  EXPECT_EQ(model.defaults().sampler(), "PNDM");
  EXPECT_FALSE(model.defaults().has_vae());
  EXPECT_THAT(model.tasks(), ElementsAre("text", "image", "inpaint"));
  EXPECT_THAT(model.controls(), ElementsAre("edge"));
  EXPECT_THAT(model.vaes(), ElementsAre("sharp"));
  EXPECT_THAT(catalog.samplers(), Contains("Euler a"));
  EXPECT_THAT(catalog.preprocessors(), Contains("canny"));
}

TEST_F(CatalogTest, ATableGoesBeforeTheFiles) {
  AddModel("box", "width = 96\nvae = \"sharp\"\nsampler = \"Euler a\"\n", 8);
  const v1::CatalogModel model = Read().models(0);
  EXPECT_EQ(model.defaults().width(), 96);
  EXPECT_EQ(model.defaults().height(), 64);
  EXPECT_EQ(model.defaults().vae(), "sharp");
  EXPECT_EQ(model.defaults().sampler(), "Euler a");
  EXPECT_THAT(model.tasks(), ElementsAre("edit"));
}

TEST_F(CatalogTest, FilesThatDoNotReadLeaveTheirFactsOut) {
  AddModel("box", "default = true\n");
  folder_.Write("box/vae/config.json", "{");
  const v1::CatalogModel model = Read().models(0);
  EXPECT_EQ(model.name(), "box");
  EXPECT_FALSE(model.defaults().has_width());
  EXPECT_EQ(model.defaults().steps(), 20);
}

}  // namespace
}  // namespace sheaf::worker
