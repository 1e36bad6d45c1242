#include "inference/engine/weights/folder.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "inference/engine/weights/safetensors.h"
#include "tests/base/temp_folder.h"

namespace sheaf::engine {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::string Weights(const std::vector<std::string>& keys, float value) {
  TensorMap tensors;
  for (const std::string& key : keys) {
    tensors[key] = MakeFloatTensor({1}, {value});
  }
  return EncodeSafetensors(tensors, {});
}

float ValueOf(const absl::StatusOr<TensorMap>& tensors,
              const std::string& key) {
  return tensors.value().at(key).ToFloats()[0];
}

std::string MessageOf(const absl::StatusOr<TensorMap>& tensors) {
  return tensors.ok() ? "fine" : std::string(tensors.status().message());
}

TEST(FolderTest, ThePlainFileIsPreferredUnlessAVariantIsWanted) {
  const TempFolder folder;
  folder.Write("diffusion_pytorch_model.safetensors", Weights({"a"}, 1));
  folder.Write("diffusion_pytorch_model.fp16.safetensors", Weights({"a"}, 2));
  EXPECT_EQ(ValueOf(LoadWeights(folder.path(), {}), "a"), 1);
  EXPECT_EQ(ValueOf(LoadWeights(folder.path(), {.variant = "fp16"}), "a"), 2);
  EXPECT_EQ(ValueOf(LoadWeights(folder.path(), {.variant = "ema"}), "a"), 1);
  EXPECT_EQ(FindWeights(folder.path(), {.variant = "fp16"})->variant, "fp16");
}

TEST(FolderTest, TheOnlyVariantIsTakenWhereThereIsNoPlainFile) {
  const TempFolder folder;
  folder.Write("model.fp16.safetensors", Weights({"a"}, 2));
  EXPECT_EQ(ValueOf(LoadWeights(folder.path(), {}), "a"), 2);
  folder.Write("model.ema.safetensors", Weights({"a"}, 3));
  EXPECT_EQ(LoadWeights(folder.path(), {}).status().code(),
            absl::StatusCode::kNotFound);
}

TEST(FolderTest, ShardsOfAVariantAreReadByTheirIndex) {
  const TempFolder folder;
  folder.Write("model.fp16-00001-of-00002.safetensors", Weights({"a"}, 1));
  folder.Write("model.fp16-00002-of-00002.safetensors", Weights({"b", "c"}, 2));
  folder.Write("model.safetensors.index.fp16.json",
               R"({"metadata":{"total_size":12},"weight_map":{
                   "a":"model.fp16-00001-of-00002.safetensors",
                   "b":"model.fp16-00002-of-00002.safetensors",
                   "c":"model.fp16-00002-of-00002.safetensors"}})");
  const auto tensors = LoadWeights(folder.path(), {});
  EXPECT_EQ(ValueOf(tensors, "a"), 1);
  EXPECT_EQ(ValueOf(tensors, "c"), 2);
}

TEST(FolderTest, AnIndexThatLiesIsRefusedByKey) {
  const TempFolder folder;
  folder.Write("one.safetensors", Weights({"a"}, 1));
  folder.Write("two.safetensors", Weights({"b"}, 1));
  const auto load = [&](const std::string& map) {
    folder.Write("model.safetensors.index.json",
                 R"({"weight_map":)" + map + "}");
    return MessageOf(LoadWeights(folder.path(), {}));
  };
  EXPECT_EQ(load(R"({"a":"one.safetensors","b":"two.safetensors"})"), "fine");
  EXPECT_THAT(load(R"({"a":"one.safetensors","b":"one.safetensors"})"),
              HasSubstr("b is missing"));
  EXPECT_THAT(load(R"({"c":"one.safetensors"})"),
              HasSubstr("a is not in this file"));
  EXPECT_THAT(load(R"({"a":"../one.safetensors"})"),
              HasSubstr("a: is not in a file of this folder"));
  EXPECT_THAT(load(R"({"a":"/etc/passwd"})"),
              HasSubstr("a: is not in a file of this folder"));
  EXPECT_THAT(load(R"({"a":"x\\y"})"), HasSubstr("is not in a file of this"));
  EXPECT_THAT(load(R"({"a":".."})"), HasSubstr("is not in a file of this"));
  EXPECT_THAT(load(R"({"a":"none.safetensors"})"), HasSubstr("none.safeten"));
  EXPECT_THAT(load("{}"), HasSubstr("is empty"));
  EXPECT_THAT(load("3"), HasSubstr("is not an object"));
}

TEST(FolderTest, PicklesAreNotReadUnlessAllowedAndTheErrorSaysSo) {
  const TempFolder folder;
  folder.Write("pytorch_model.bin", "whatever");
  EXPECT_THAT(MessageOf(LoadWeights(folder.path(), {})),
              HasSubstr("there are .bin files, which are not allowed"));
  EXPECT_THAT(MessageOf(LoadWeights(folder.path(), {.allow_pickle = true})),
              HasSubstr("pytorch_model.bin: zip:"));
  EXPECT_EQ(
      LoadWeightFile(folder.path() + "/pytorch_model.bin", {}).status().code(),
      absl::StatusCode::kPermissionDenied);
}

TEST(FolderTest, AModelIndexTellsComponentsAndFlags) {
  const std::string path =
      std::string(SHEAF_SOURCE_DIR) + "/tests/golden/models/tiny-sd";
  const auto index = ReadModelIndex(path);
  ASSERT_TRUE(index.ok()) << index.status();
  EXPECT_EQ(index->class_name, "StableDiffusionPipeline");
  EXPECT_EQ(index->components.at("scheduler").class_name, "PNDMScheduler");
  EXPECT_EQ(index->components.count("safety_checker"), 0u);
  EXPECT_FALSE(
      Config::Reader(index->config).Bool("requires_safety_checker", true));
}

TEST(FolderTest, AModelOfTheLibraryIsRead) {
  const auto tensors = LoadWeights(
      std::string(SHEAF_SOURCE_DIR) + "/tests/golden/models/tiny-sd/vae", {});
  ASSERT_TRUE(tensors.ok()) << tensors.status();
  EXPECT_THAT(tensors->at("decoder.conv_in.weight").shape,
              ElementsAre(32, 4, 3, 3));
}

TEST(FolderTest, AFolderThatIsNotThereIsNotFound) {
  EXPECT_EQ(LoadWeights("/nowhere/at/all", {}).status().code(),
            absl::StatusCode::kNotFound);
}

}  // namespace
}  // namespace sheaf::engine
