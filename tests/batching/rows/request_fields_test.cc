#include "batching/rows/request_fields.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "queue/order.h"
#include "queue/run_fields.h"
#include "tests/queue/some_values.h"

namespace sheaf::batching {
namespace {

using testing::HasSubstr;

std::string KeyOf(const RunParams& params,
                  Capability capability = Capability::kFull,
                  const RunParams& defaults = {}) {
  std::string key;
  AppendKey({"inference", &params, &defaults}, capability, &key);
  return key;
}

std::string SettingsOf(const RunParams& params,
                       const RunParams& defaults = {}) {
  std::string settings;
  AppendSettings({"inference", &params, &defaults}, &settings);
  return settings;
}

Explanation Compared(const RunParams& a, const RunParams& b,
                     const char* kind = "inference") {
  return Explain({kind, &a, nullptr}, {"inference", &b, nullptr},
                 Capability::kFull);
}

TEST(RequestFieldsTest, OnlyHardFieldsAreInTheKey) {
  const RunParams a = {.width = 512, .model = "base"};
  RunParams b = a;
  b.prompt = "a fox";
  b.seed = 7;
  b.steps = 40;
  b.guidance = 3;
  b.sampler = "unipc";
  b.strength = 0.5;
  b.weights["depth"] = 0.5;
  b.loras.push_back({.name = "style"});
  EXPECT_EQ(KeyOf(a), KeyOf(b));
  for (auto change : {+[](RunParams& p) { p.model = "anime"; },
                      +[](RunParams& p) { p.vae = "other"; },
                      +[](RunParams& p) { p.width = 520; },
                      +[](RunParams& p) { p.height = 8; },
                      +[](RunParams& p) { p.extra["clip"] = "2"; }}) {
    RunParams c = a;
    change(c);
    EXPECT_NE(KeyOf(a), KeyOf(c));
  }
}

TEST(RequestFieldsTest, EqualNumbersReadTheSameHoweverTheyAreWritten) {
  RunParams a;
  a.guidance = 25;
  RunParams b;
  b.guidance = 25.0;
  EXPECT_EQ(SettingsOf(a), SettingsOf(b));
  a.guidance = 0.0;
  b.guidance = -0.0;
  EXPECT_EQ(SettingsOf(a), SettingsOf(b));
  b.guidance = 25.000001;
  a.guidance = 25;
  EXPECT_NE(SettingsOf(a), SettingsOf(b));
}

TEST(RequestFieldsTest, AbsentAndDefaultAreTheSame) {
  const RunParams defaults = {.steps = 20, .model = "base"};
  const RunParams spelled = defaults;
  const RunParams absent;
  EXPECT_EQ(SettingsOf(absent, defaults), SettingsOf(spelled, defaults));
  EXPECT_EQ(KeyOf(absent, Capability::kFull, defaults),
            KeyOf(spelled, Capability::kFull, defaults));
  // Without a default, an absent field is a value of its own.
  EXPECT_NE(SettingsOf(absent), SettingsOf(spelled));
}

TEST(RequestFieldsTest, TextThatLooksLikeSeparatorsIsNotConfused) {
  RunParams a;
  a.model = "x\"|\"y";
  RunParams b;
  b.model = "x";
  b.vae = "y";
  EXPECT_NE(KeyOf(a), KeyOf(b));
}

TEST(RequestFieldsTest, CapabilitiesBelowFullNarrowTheKey) {
  RunParams a;
  a.controls = {{.type = "depth", .weight = 0.5, .image = "aa"}};
  RunParams other_image = a;
  other_image.controls[0].image = "bb";
  RunParams other_weight = a;
  other_weight.controls[0].weight = 0.7;
  EXPECT_EQ(KeyOf(a), KeyOf(other_image));
  EXPECT_EQ(KeyOf(a), KeyOf(other_weight));
  const Capability multi = Capability::kMultiImage;
  EXPECT_EQ(KeyOf(a, multi), KeyOf(other_image, multi));
  EXPECT_NE(KeyOf(a, multi), KeyOf(other_weight, multi));
  const Capability shared = Capability::kSharedImage;
  EXPECT_NE(KeyOf(a, shared), KeyOf(other_image, shared));
  RunParams other_map = a;
  other_map.controls[0].preprocess = "canny";
  EXPECT_EQ(KeyOf(a), KeyOf(other_map));
  EXPECT_NE(KeyOf(a, shared), KeyOf(other_map, shared));
}

TEST(RequestFieldsTest, EveryFieldMeansToABatchWhatItsRowSays) {
  ForEachRunField([&](const auto& field) {
    const RunParams some = ParamsWith(field.member);
    const Explanation apart = Compared(some, {});
    EXPECT_EQ(KeyOf(some) != KeyOf({}), field.in_batch == InBatch::kHard)
        << field.name;
    EXPECT_EQ(SettingsOf(some) != SettingsOf({}),
              field.in_batch == InBatch::kSetting)
        << field.name;
    EXPECT_EQ(apart.mixed, field.in_batch != InBatch::kHard) << field.name;
    ASSERT_FALSE(apart.differences.empty()) << field.name;
    EXPECT_EQ(apart.differences[0].field, field.name);
  });
}

TEST(RequestFieldsTest, FormerKeysOfExtraAreRowsOwnToo) {
  RunParams a;
  a.extra["clip_skip"] = "1";
  RunParams b;
  b.clip_skip = 2;
  EXPECT_EQ(KeyOf(a), KeyOf(b));
  EXPECT_TRUE(Compared(a, b).strict);
}

TEST(RequestFieldsTest, SimulatedFaultsStrikeSingleRows) {
  RunParams a;
  RunParams b;
  b.extra["sim.fault"] = "crash";
  EXPECT_EQ(KeyOf(a), KeyOf(b));
}

TEST(RequestFieldsTest, LiveControlsAreThoseWithWeight) {
  RunParams params;
  params.controls = {{.type = "edge", .weight = 0.5, .end = 0.6},
                     {.type = "depth", .weight = 1.0},
                     {.type = "seg", .weight = 0.0}};
  params.weights = {{"depth", 0.0}, {"pose", 0.3}};
  const auto live = LiveControls(params);
  ASSERT_EQ(live.size(), 2u);
  EXPECT_EQ(live[0].type, "edge");
  EXPECT_EQ(live[0].end, 0.6);
  EXPECT_EQ(live[1].type, "pose");
  EXPECT_EQ(live[1].weight, 0.3);
}

TEST(RequestFieldsTest, ExplainNamesEachFieldAndWhatItBlocks) {
  const RunParams a = {.prompt = "a fox", .steps = 20, .model = "base"};
  RunParams b = a;
  b.prompt = "a hare";
  EXPECT_TRUE(Compared(a, b).strict);
  EXPECT_THAT(Compared(a, b).Text(), HasSubstr("prompt: \"a fox\" / \"a hare\""
                                               " (may differ)"));
  b.steps = 25;
  EXPECT_FALSE(Compared(a, b).strict);
  EXPECT_TRUE(Compared(a, b).mixed);
  EXPECT_THAT(Compared(a, b).Text(),
              HasSubstr("steps: 20 / 25 (apart in strict)"));
  b.model = "anime";
  EXPECT_FALSE(Compared(a, b).mixed);
  EXPECT_THAT(Compared(a, b).Text(), HasSubstr("(never together)"));
}

TEST(RequestFieldsTest, ExplainTellsControlSignaturesApart) {
  RunParams a;
  a.controls = {{.type = "edge", .weight = 0.5}};
  RunParams b;
  b.controls = {{.type = "edge", .weight = 0.9}};
  EXPECT_TRUE(Compared(a, b).strict);
  b.controls = {{.type = "depth", .weight = 0.9}};
  EXPECT_FALSE(Compared(a, b).strict);
  EXPECT_TRUE(Compared(a, b).mixed);
}

TEST(RequestFieldsTest, OtherKindsAreNeverBatched) {
  const RunParams same;
  EXPECT_TRUE(Compared(same, same).mixed);
  EXPECT_TRUE(Compared(same, same, "batch_inference").strict);
  for (const char* kind : {"enhancement", "upscale", "anything"}) {
    EXPECT_FALSE(IsBatchable(kind));
    EXPECT_FALSE(Compared(same, same, kind).mixed) << kind;
  }
}

}  // namespace
}  // namespace sheaf::batching
