#include "queue/params.h"

#include <cmath>
#include <random>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace sheaf {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;

RunParams Full() {
  RunParams params;
  params.prompt = "a \"hut\"\n\xE6\xA3\xAE";
  params.negative_prompt = "";
  params.seed = int64_t{1} << 62;
  params.steps = 20;
  params.guidance = 7.5;
  params.sampler = "ddim";
  params.width = 512;
  params.height = 768;
  params.model = "m";
  params.vae = "v";
  params.controls = {
      {.type = "depth", .weight = 0.5, .image = "ab", .start = 0.1, .end = 0.9},
      {.type = "pose", .preprocess = "canny(low=5)"}};
  params.weights = {{"depth", 0.3}, {"", -1}};
  params.loras = {{"ink", 0.8}, {"dust", {}}};
  params.init_image = "cd";
  params.mask = "ef";
  params.strength = 0.25;
  params.clip_skip = 2;
  params.prompt_chunks = 3;
  params.emphasis = false;
  params.guess_mode = true;
  params.eta = 0.5;
  params.guidance_rescale = 0.7;
  params.image_guidance = 1.5;
  params.random = RandomMode::kPhilox;
  params.prompt_2 = "oil";
  params.negative_prompt_2 = "";
  params.original_width = 640;
  params.original_height = 480;
  params.crop_left = 0;
  params.crop_top = 8;
  params.target_width = 1024;
  params.target_height = 768;
  params.refiner = "fine";
  params.refiner_start = 0.75;
  params.images = {"01", "23"};
  params.extra = {{"k", "v"}, {std::string("a\0b", 3), "nul"}};
  return params;
}

TEST(ParamsTest, StoredFormIsCanonicalJson) {
  EXPECT_EQ(Encode({}), "{}");
  EXPECT_EQ(Encode({.prompt = "p", .seed = 1, .guidance = 7}),
            R"({"prompt":"p","seed":1,"guidance":7})");
  EXPECT_EQ(
      Encode({.clip_skip = 1, .emphasis = true, .random = RandomMode::kCpu}),
      R"({"clip_skip":1,"emphasis":true,"random":"cpu"})");
  RunParams params;
  params.controls = {{.type = "depth", .weight = 0.5}};
  params.weights = {{"b", 1}, {"a", 0.1}};
  params.loras = {{"ink", {}}};
  EXPECT_EQ(Encode(params),
            R"({"controls":[{"type":"depth","weight":0.5}],)"
            R"("weights":{"a":0.1,"b":1},"loras":[{"name":"ink"}]})");
}

TEST(ParamsTest, WhatIsEncodedDecodesEqual) {
  EXPECT_EQ(DecodeParams("{}").value(), RunParams());
  EXPECT_EQ(DecodeParams(Encode(Full())).value(), Full());
}

TEST(ParamsTest, AbsentAndEmptyAreDifferent) {
  const RunParams empty{.prompt = ""};
  EXPECT_EQ(DecodeParams(Encode(empty)).value(), empty);
  EXPECT_NE(empty, RunParams());
}

TEST(ParamsTest, EqualRequestsHaveEqualText) {
  EXPECT_EQ(Encode({.guidance = 0.0}), Encode({.guidance = -0.0}));
  EXPECT_EQ(Encode(Full()), Encode(DecodeParams(Encode(Full())).value()));
}

TEST(ParamsTest, RandomNumbersDecodeEqual) {
  std::mt19937_64 random(3);
  for (int i = 0; i < 10'000; ++i) {
    RunParams params;
    params.seed = static_cast<int64_t>(random());
    params.guidance = std::ldexp(static_cast<double>(random()),
                                 static_cast<int>(random() % 200) - 150);
    params.weights["w"] = static_cast<double>(random() % 10'000) / 1000;
    ASSERT_EQ(DecodeParams(Encode(params)).value(), params);
  }
}

TEST(ParamsTest, OtherTextsAreDataLoss) {
  for (const char* text : {"",
                           "{",
                           "null",
                           "[]",
                           "1",
                           "\"\"",
                           "{\"unknown\":1}",
                           "{\"prompt\":1}",
                           "{\"prompt\":null}",
                           "{\"seed\":\"1\"}",
                           "{\"seed\":1.5}",
                           "{\"seed\":9223372036854775808}",
                           "{\"guidance\":\"7\"}",
                           "{\"emphasis\":\"true\"}",
                           "{\"random\":\"dice\"}",
                           "{\"steps\":true}",
                           "{\"controls\":{}}",
                           "{\"controls\":[1]}",
                           "{\"controls\":[{}]}",
                           "{\"controls\":[{\"type\":1}]}",
                           "{\"controls\":[{\"type\":\"a\",\"weight\":\"1\"}]}",
                           "{\"controls\":[{\"type\":\"a\",\"start\":null}]}",
                           "{\"controls\":[{\"type\":\"a\",\"image\":1}]}",
                           "{\"controls\":[{\"type\":\"a\","
                           "\"preprocess\":1}]}",
                           "{\"images\":\"ab\"}",
                           "{\"images\":[1]}",
                           "{\"weights\":[]}",
                           "{\"weights\":{\"a\":\"1\"}}",
                           "{\"loras\":[{\"weight\":1}]}",
                           "{\"loras\":[{\"name\":\"a\",\"weight\":\"1\"}]}",
                           "{\"extra\":{\"a\":1}}",
                           "{\"prompt\":\"a\"} x"}) {
    EXPECT_EQ(DecodeParams(text).status().code(), absl::StatusCode::kDataLoss)
        << text;
  }
}

TEST(ParamsTest, OwnValuesReplaceSharedOnes) {
  const RunParams shared{.prompt = "a", .seed = 1, .steps = 20};
  const RunParams own{.prompt = "b", .guidance = 3};
  const RunParams merged = Merge(shared, own);
  EXPECT_EQ(merged.prompt, "b");
  EXPECT_EQ(merged.seed, 1);
  EXPECT_EQ(merged.steps, 20);
  EXPECT_EQ(merged.guidance, 3);
}

TEST(ParamsTest, MergeKnowsEveryField) {
  EXPECT_EQ(Merge({}, Full()), Full());
  EXPECT_EQ(Merge(Full(), {}), Full());
  EXPECT_EQ(Merge(Full(), Full()), Full());
}

TEST(ParamsTest, ListsReplaceAndMapsMerge) {
  RunParams shared, own;
  shared.controls = {{.type = "depth"}, {.type = "pose"}};
  own.controls = {{.type = "edge"}};
  shared.loras = {{"ink", {}}};
  shared.weights = {{"a", 1}, {"b", 2}};
  own.weights = {{"b", 3}, {"c", 4}};
  shared.extra = {{"x", "1"}};
  own.extra = {{"x", "2"}};
  const RunParams merged = Merge(shared, own);
  EXPECT_EQ(merged.controls, own.controls);
  EXPECT_EQ(merged.loras, shared.loras);
  EXPECT_THAT(merged.weights,
              ElementsAre(Pair("a", 1), Pair("b", 3), Pair("c", 4)));
  EXPECT_THAT(merged.extra, ElementsAre(Pair("x", "2")));
}

TEST(ParamsTest, CommonIsWhatAllHave) {
  RunParams a = Full(), b = Full();
  EXPECT_EQ(Common({a, b}), Full());
  EXPECT_EQ(Common({a}), a);
  EXPECT_EQ(Common({}), RunParams());
  b.seed = 9;
  b.prompt.reset();
  b.weights["depth"] = 0.9;
  const RunParams common = Common({a, b});
  EXPECT_FALSE(common.seed);
  EXPECT_FALSE(common.prompt);
  EXPECT_THAT(common.weights, IsEmpty());
  EXPECT_EQ(common.steps, a.steps);
  EXPECT_EQ(common.controls, a.controls);
}

TEST(ParamsTest, CommonForgetsWhatAThirdLacks) {
  const RunParams with{.seed = 1}, without;
  EXPECT_EQ(Common({with, without, with}), RunParams());
  EXPECT_EQ(Common({without, with}), RunParams());
}

TEST(ParamsTest, ArtifactsAreThoseOfImagesMasksAndControls) {
  EXPECT_THAT(ArtifactsOf(Full()), ElementsAre("cd", "ef", "01", "23", "ab"));
  EXPECT_THAT(ArtifactsOf({}), IsEmpty());
}

TEST(ParamsTest, MapsWeightGoesBeforeTheControlsOwn) {
  RunParams params;
  params.controls = {{.type = "depth", .weight = 0.5}, {.type = "pose"}};
  EXPECT_THAT(EffectiveWeights(params),
              ElementsAre(Pair("depth", 0.5), Pair("pose", 1.0)));
  params.weights = {{"depth", 0.25}, {"edge", 0.75}};
  EXPECT_THAT(
      EffectiveWeights(params),
      ElementsAre(Pair("depth", 0.25), Pair("edge", 0.75), Pair("pose", 1.0)));
}

TEST(ParamsTest, NobodyInheritsANeighboursControl) {
  RunParams a, b, c;
  a.controls = {{.type = "depth", .weight = 0.5}};
  b.weights = {{"pose", 0.7}};
  EXPECT_THAT(WeightsList({a, b, c}),
              ElementsAre(ElementsAre(Pair("depth", 0.5), Pair("pose", 0)),
                          ElementsAre(Pair("depth", 0), Pair("pose", 0.7)),
                          ElementsAre(Pair("depth", 0), Pair("pose", 0))));
  EXPECT_THAT(WeightsList({}), IsEmpty());
  EXPECT_THAT(WeightsList({c}), ElementsAre(IsEmpty()));
}

}  // namespace
}  // namespace sheaf
