#include "inference/engine/verify/verify.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "inference/engine/weights/file.h"
#include "inference/engine/weights/safetensors.h"
#include "tests/base/temp_folder.h"

namespace sheaf::engine {
namespace {

namespace fs = std::filesystem;

const std::string kGolden = SHEAF_SOURCE_DIR "/tests/golden";

TEST(VerifyTest, EveryReferenceHolds) {
  const std::vector<Outcome> outcomes = Verify(kGolden, {});
  EXPECT_GT(outcomes.size(), 100u);
  EXPECT_TRUE(AllHold(outcomes)) << ReportOf(outcomes);
}

// Cases of other shapes, sizes and schedulers, which make_cases.py drew.
TEST(VerifyTest, CasesAtRandomHold) {
  const std::vector<Outcome> outcomes = Verify(kGolden + "/others", {});
  EXPECT_GT(outcomes.size(), 100u);
  EXPECT_TRUE(AllHold(outcomes)) << ReportOf(outcomes);
}

// A folder that holds `files` of the golden one, and links to its models.
void CopyCases(const TempFolder& folder,
               const std::vector<std::string>& files) {
  fs::create_directory_symlink(kGolden + "/models", folder.path() + "/models");
  for (const std::string& file : files) {
    folder.Write(file, ReadFile(kGolden + "/" + file, 1 << 26).value());
  }
}

TEST(VerifyTest, OneWrongNumberIsSeen) {
  const TempFolder folder;
  const std::string name = "modules/tiny-sd.unet.9x13.safetensors";
  CopyCases(folder, {name});
  SafetensorsFile file = ReadSafetensors(folder.path() + "/" + name).value();
  EXPECT_TRUE(AllHold(Verify(folder.path(), {})));
  std::vector<float> values = file.tensors.at("out").ToFloats();
  values[77] += 1e-4f;
  file.tensors.at("out") =
      MakeFloatTensor(file.tensors.at("out").shape, values);
  ASSERT_TRUE(
      WriteSafetensors(folder.path() + "/" + name, file.tensors, file.metadata)
          .ok());
  const std::vector<Outcome> outcomes = Verify(folder.path(), {});
  ASSERT_EQ(outcomes.size(), 1u);
  EXPECT_FALSE(AllHold(outcomes));
  EXPECT_TRUE(outcomes[0].ran());
  EXPECT_NEAR(outcomes[0].error, 1e-4, 2e-5);
  EXPECT_NE(ReportOf(outcomes).find("misses   " + name), std::string::npos);
}

TEST(VerifyTest, WhatCannotBeRunIsSaidAndFails) {
  const TempFolder folder;
  CopyCases(folder, {});
  folder.Write("pipelines/cases.jsonl",
               R"({"name": "sd-x-0", "pipeline": "StableDiffusionPipeline",)"
               R"( "quality": 9})"
               "\n");
  folder.Write("pipelines/sd-x-0.safetensors", EncodeSafetensors({}, {}));
  const std::vector<Outcome> outcomes = Verify(folder.path(), {});
  ASSERT_EQ(outcomes.size(), 1u);
  EXPECT_FALSE(outcomes[0].ran());
  EXPECT_NE(ReportOf(outcomes).find("quality"), std::string::npos);
  EXPECT_FALSE(AllHold(outcomes));
}

TEST(VerifyTest, AnEmptyFolderDoesNotPass) {
  const TempFolder folder;
  EXPECT_FALSE(AllHold(Verify(folder.path(), {})));
  EXPECT_FALSE(AllHold(Verify("/nowhere", {})));
}

}  // namespace
}  // namespace sheaf::engine
