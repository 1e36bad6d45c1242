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

const Placement kHalves = {.dtype = at::kBFloat16};

// The distances are those of numbers of eight bits: far beyond what fp32 may be
// off, and well within what bf16 may.
TEST(VerifyTest, HalfPrecisionIsHeldToDistances) {
  for (const char* part : {"tiny-sd.", "sd-default-0"}) {
    const std::vector<Outcome> outcomes =
        Verify(kGolden, {.filter = part, .placement = kHalves});
    EXPECT_GT(outcomes.size(), 1u) << part;
    EXPECT_TRUE(AllHold(outcomes)) << ReportOf(outcomes);
    for (const Outcome& outcome : outcomes) {
      if (outcome.group == "pictures") continue;
      EXPECT_GT(outcome.error, 1e-4) << outcome.name;
    }
  }
}

TEST(VerifyTest, WhatNoModelComputesIsExactInHalfPrecision) {
  for (const char* part : {"tokens.json[1", "cpu-randn"}) {
    const std::vector<Outcome> outcomes =
        Verify(kGolden, {.filter = part, .placement = kHalves});
    ASSERT_FALSE(outcomes.empty());
    for (const Outcome& outcome : outcomes) EXPECT_EQ(outcome.tolerance, 0);
    EXPECT_TRUE(AllHold(outcomes)) << ReportOf(outcomes);
  }
}

TEST(VerifyTest, AWrongMapIsSeenInHalfPrecision) {
  const TempFolder folder;
  const std::string name = "modules/tiny-sd.unet.9x13.safetensors";
  CopyCases(folder, {name});
  SafetensorsFile file = ReadSafetensors(folder.path() + "/" + name).value();
  EXPECT_TRUE(AllHold(Verify(folder.path(), {.placement = kHalves})));
  // Off by a tenth everywhere, as by a wrong scale.
  std::vector<float> values = file.tensors.at("out").ToFloats();
  for (float& value : values) value *= 1.1f;
  file.tensors.at("out") =
      MakeFloatTensor(file.tensors.at("out").shape, values);
  ASSERT_TRUE(
      WriteSafetensors(folder.path() + "/" + name, file.tensors, file.metadata)
          .ok());
  EXPECT_FALSE(AllHold(Verify(folder.path(), {.placement = kHalves})));
}

TEST(VerifyTest, TheRulesNameTheDeviceAndTheType) {
  EXPECT_EQ(RulesOf({}).find("fp32 on cpu: "), 0u);
  EXPECT_EQ(RulesOf({.placement = kHalves}).find("bf16 on cpu: "), 0u);
  const std::string far = RulesOf(
      {.placement = {.device = at::Device(at::kCUDA, 1), .dtype = at::kHalf}});
  EXPECT_EQ(far.find("fp16 on cuda:1: "), 0u) << far;
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
