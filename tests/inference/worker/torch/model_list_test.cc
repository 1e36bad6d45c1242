#include "inference/worker/torch/model_list.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/sha256.h"
#include "base/status.h"
#include "tests/base/temp_folder.h"

namespace sheaf::worker {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class ModelListTest : public ::testing::Test {
 protected:
  // A folder that looks like a model's.
  void AddModel(const std::string& name) {
    folder_.Write(name + "/model_index.json",
                  R"({"_class_name": "StableDiffusionPipeline"})");
    folder_.Write(name + "/unet/config.json", "{}");
    folder_.Write(name + "/unet/diffusion_pytorch_model.safetensors",
                  "weights");
  }

  std::string PathOf(const std::string& name) const {
    return folder_.path() + "/" + name;
  }

  absl::StatusOr<ModelList> Read(const std::string& path = "") {
    return ModelList::Read({PathOf(path)});
  }

  static std::vector<std::string> Aliases(const ModelList& list) {
    std::vector<std::string> aliases;
    for (const OfferedModel& model : list.all()) aliases.push_back(model.alias);
    return aliases;
  }

  void ExpectError(const std::string& path, absl::StatusCode code,
                   const std::string& words) {
    const auto list = Read(path);
    EXPECT_EQ(list.status().code(), code) << list.status().ToString();
    EXPECT_THAT(std::string(list.status().message()), HasSubstr(words));
  }

  TempFolder folder_;
};

TEST_F(ModelListTest, AFolderOfModelsOffersEachByItsName) {
  AddModel("wide");
  AddModel("deep");
  folder_.Write("notes/readme.txt", "no model");
  const auto list = Read();
  ASSERT_TRUE(list.ok()) << list.status().ToString();
  EXPECT_THAT(Aliases(*list), ElementsAre("deep", "wide"));
  EXPECT_EQ(list->Find("wide")->place.folder, PathOf("wide"));
  EXPECT_EQ(list->Find("")->alias, "deep");
  EXPECT_EQ(list->Find("high"), nullptr);
}

TEST_F(ModelListTest, AModelsOwnFolderAndATrailingSlashWillDo) {
  AddModel("wide");
  for (const char* path : {"wide", "wide/"}) {
    const auto list = Read(path);
    ASSERT_TRUE(list.ok()) << list.status().ToString();
    EXPECT_THAT(Aliases(*list), ElementsAre("wide"));
  }
}

TEST_F(ModelListTest, FoldersInsideAModelThatSayWhatTheyAreComeAlong) {
  AddModel("wide");
  folder_.Write("wide/controlnet_edge/config.json", "{}");
  folder_.Write("wide/controlnet_empty/readme.txt", "");
  folder_.Write("wide/vae_fast/config.json", "{}");
  const auto list = Read();
  ASSERT_TRUE(list.ok());
  const OfferedModel& model = *list->Find("wide");
  EXPECT_EQ(model.controls.size(), 1u);
  EXPECT_EQ(model.controls.at("edge"), PathOf("wide/controlnet_edge"));
  EXPECT_EQ(model.vaes.at("fast"), PathOf("wide/vae_fast"));
}

TEST_F(ModelListTest, AModelsOwnTableNamesItAndItsDefaults) {
  AddModel("v1");
  folder_.Write("nets/depth/config.json", "{}");
  folder_.Write("v1/sheaf.toml",
                "alias = 'dreamy'\nsteps = 12\nguidance = 3\n"
                "sampler = 'Euler a'\nvariant = 'fp16'\n"
                "[controls]\ndepth = '../nets/depth'\n");
  const auto list = Read("v1");
  ASSERT_TRUE(list.ok()) << list.status().ToString();
  const OfferedModel& model = *list->Find("dreamy");
  EXPECT_EQ(model.steps, 12);
  EXPECT_EQ(model.guidance, 3);
  EXPECT_EQ(model.sampler, "Euler a");
  EXPECT_EQ(model.place.variant, "fp16");
  EXPECT_EQ(model.controls.count("depth"), 1u);
}

TEST_F(ModelListTest, AFileOfTablesListsModelsAnywhere) {
  AddModel("here/a");
  AddModel("there/b");
  folder_.Write("here/models.toml",
                "[models.one]\nfolder = 'a'\n"
                "[models.two]\nfolder = '" +
                    PathOf("there/b") + "'\ndefault = true\n");
  const auto list = Read("here/models.toml");
  ASSERT_TRUE(list.ok()) << list.status().ToString();
  EXPECT_THAT(Aliases(*list), ElementsAre("one", "two"));
  EXPECT_EQ(list->Find("")->alias, "two");
}

TEST_F(ModelListTest, WhatIsWrongIsNamed) {
  constexpr auto kBad = absl::StatusCode::kInvalidArgument;
  constexpr auto kMissing = absl::StatusCode::kNotFound;
  ExpectError("nowhere", kMissing, "nowhere: no model here");
  ExpectError("no.toml", kMissing, "cannot be read");
  AddModel("m");
  const struct {
    const char* text;
    absl::StatusCode code;
    const char* words;
  } kTables[] = {
      {"steps = 0\n", kBad, "'steps' must be 1 to 1000"},
      {"guidance = -1\n", kBad, "'guidance' must be"},
      {"steps = 'many'\n", kBad, "'steps' has a value of the wrong type"},
      {"guidence = 3\n", kBad, "did you mean 'guidance'?"},
      {"controls = 3\n", kBad, "'controls' must be a table"},
      {"[controls]\nedge = 'gone'\n", kMissing,
       "controls.edge: no config.json"},
      {"alias = 'two words'\n", kBad, "'two words' is not an alias"},
      {"sha256 = 'beef'\n", kBad, "SHA-256"},
      {"steps = \n", kBad, "sheaf.toml:1"},
  };
  for (const auto& [text, code, words] : kTables) {
    folder_.Write("m/sheaf.toml", text);
    ExpectError("m", code, words);
  }
  folder_.Write("list.toml", "[models.x]\nfolder = 'gone'\n");
  ExpectError("list.toml", kMissing, "models.x: no model_index.json");
  folder_.Write("list.toml", "[models.x]\nsteps = 3\n");
  ExpectError("list.toml", kBad, "'folder' is missing");
  folder_.Write("list.toml", "steps = 3\n");
  ExpectError("list.toml", kBad, "[models.ALIAS]");
}

TEST_F(ModelListTest, TwoModelsOfOneNameAreRefused) {
  AddModel("a/same");
  AddModel("b/same");
  const auto list = ModelList::Read({PathOf("a"), PathOf("b")});
  EXPECT_EQ(list.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(list.status().message()),
              HasSubstr("'same' is the alias of"));
}

TEST_F(ModelListTest, APinnedModelIsOfferedWhileItsWeightsAreTheSame) {
  AddModel("m");
  folder_.Write("m/sheaf.toml", "sha256 = '" + Sha256Hex("weights") + "'\n");
  EXPECT_TRUE(Read("m").ok());
  folder_.Write("m/unet/diffusion_pytorch_model.safetensors", "weighty");
  ExpectError("m", absl::StatusCode::kInvalidArgument, "SHA-256");
}

// Nobody knows which of its folders has the weights to compare.
TEST_F(ModelListTest, APinnedModelOfAnUnknownFamilyIsRefused) {
  AddModel("m");
  folder_.Write("m/model_index.json", R"({"_class_name": "OddPipeline"})");
  EXPECT_TRUE(Read("m").ok());
  folder_.Write("m/sheaf.toml", "sha256 = '" + Sha256Hex("weights") + "'\n");
  ExpectError("m", absl::StatusCode::kInvalidArgument, "OddPipeline");
}

TEST_F(ModelListTest, AWorkerMayKeepSomeOfThem) {
  AddModel("a");
  AddModel("b");
  auto list = Read();
  ASSERT_TRUE(list.ok());
  EXPECT_TRUE(list->Keep({"b"}).ok());
  EXPECT_THAT(Aliases(*list), ElementsAre("b"));
  EXPECT_EQ(list->Keep({"c"}).code(), absl::StatusCode::kNotFound);
}

TEST(ControlFolderTest, ATypeHasSeveralNames) {
  OfferedModel model;
  model.controls = {{"edge", "/e"}, {"segmentation", "/s"}};
  EXPECT_EQ(ControlFolder(model, "edge"), "/e");
  EXPECT_EQ(ControlFolder(model, "canny"), "/e");
  EXPECT_EQ(ControlFolder(model, "seg"), "/s");
  EXPECT_EQ(ControlFolder(model, "depth"), "");
  // The type's own name comes first.
  model.controls["canny"] = "/c";
  EXPECT_EQ(ControlFolder(model, "canny"), "/c");
}

TEST_F(ModelListTest, AVaeToChooseMustBeThere) {
  AddModel("wide");
  folder_.Write("wide/vae_fast/config.json", "{}");
  folder_.Write("wide/sheaf.toml", "vae = 'fast'\n");
  EXPECT_EQ(Read()->Find("wide")->vae, "fast");
  folder_.Write("wide/sheaf.toml", "vae_fp16 = 'slow'\n");
  ExpectError("", absl::StatusCode::kInvalidArgument, "'vae_fp16'");
  folder_.Write("wide/sheaf.toml", "vae_large = 'fast'\n");
  ExpectError("", absl::StatusCode::kInvalidArgument, "vae_large_pixels");
}

}  // namespace
}  // namespace sheaf::worker
