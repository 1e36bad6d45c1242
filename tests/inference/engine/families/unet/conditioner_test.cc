#include "inference/engine/families/unet/conditioner.h"

#include <gtest/gtest.h>

#include "inference/engine/families/load_model.h"

namespace sheaf::engine {
namespace {

class ConditionerTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    const std::string folder = SHEAF_SOURCE_DIR "/tests/golden/models/";
    sd_ = LoadModel(folder + "tiny-sd", {}).value();
    xl_ = LoadModel(folder + "tiny-sdxl", {}).value();
  }
  static void TearDownTestSuite() {
    sd_.reset();
    xl_.reset();
  }

  static at::Tensor ContextOf(const Conditioning& conditioning) {
    return dynamic_cast<const UNetConditioning&>(conditioning).context;
  }
  static at::Tensor Encode(const Model& model, const RunRequest& request) {
    const c10::InferenceMode no_gradients;
    return ContextOf(**model.conditioner->Prompt(request));
  }
  static at::Tensor EncodeNegative(const Model& model,
                                   const RunRequest& request) {
    const c10::InferenceMode no_gradients;
    return ContextOf(**model.conditioner->NegativePrompt(request));
  }
  static void Forget(const Model& model) {
    dynamic_cast<const UNetConditioner&>(*model.conditioner).ForgetPrompts();
  }

  static std::shared_ptr<const Model> sd_;
  static std::shared_ptr<const Model> xl_;
};

std::shared_ptr<const Model> ConditionerTest::sd_;
std::shared_ptr<const Model> ConditionerTest::xl_;

double Difference(const at::Tensor& a, const at::Tensor& b) {
  return (a - b).abs().max().item<double>();
}

std::string LongPrompt() {
  std::string text;
  for (int i = 0; i < 120; ++i) text += i % 2 == 0 ? "one " : "two ";
  return text;
}

TEST_F(ConditionerTest, APromptIsEncodedOnce) {
  const RunRequest request = {.prompt = "said twice"};
  EXPECT_TRUE(Encode(*sd_, request).is_same(Encode(*sd_, request)));
  const at::Tensor before = Encode(*sd_, request);
  Forget(*sd_);
  const at::Tensor after = Encode(*sd_, request);
  EXPECT_FALSE(after.is_same(before));
  EXPECT_TRUE(after.equal(before));
}

TEST_F(ConditionerTest, WhatAnEncodingDependsOnIsToldApart) {
  const std::vector<RunRequest> requests = {
      {.prompt = "a (cat:1.5)"},
      {.prompt = "a (cat:1.5)", .emphasis = true},
      {.prompt = "a (cat:1.5)", .clip_skip = 1},
      {.prompt = "a (cat:1.5", .prompt_2 = ")"}};
  for (const auto& model : {sd_, xl_}) {
    for (size_t i = 0; i < requests.size(); ++i) {
      Forget(*model);
      const at::Tensor alone = Encode(*model, requests[i]);
      Forget(*model);
      for (const RunRequest& other : requests) Encode(*model, other);
      EXPECT_TRUE(Encode(*model, requests[i]).equal(alone)) << i;
    }
  }
}

TEST_F(ConditionerTest, ALongPromptGoesOnInChunks) {
  const c10::InferenceMode no_gradients;
  RunRequest request = {.prompt = LongPrompt()};
  EXPECT_EQ(Encode(*sd_, request).size(0), 77);
  const at::Tensor cut = Encode(*sd_, request);
  request.prompt_chunks = 4;
  for (const auto& model : {sd_, xl_}) {
    const at::Tensor whole = Encode(*model, request);
    EXPECT_GT(whole.size(0), 77);
    EXPECT_EQ(whole.size(0) % 77, 0);
    EXPECT_EQ(EncodeNegative(*model, request).size(0), whole.size(0));
  }
  const at::Tensor whole = Encode(*sd_, request);
  EXPECT_LE(Difference(whole.narrow(0, 0, 77), cut), 1e-6);
  EXPECT_GT(Difference(whole.narrow(0, 77, 77), cut), 1e-2);
}

TEST_F(ConditionerTest, AShortPromptIsFilledUpToALongNegativeOne) {
  const c10::InferenceMode no_gradients;
  RunRequest request = {
      .prompt = "short", .negative_prompt = LongPrompt(), .prompt_chunks = 4};
  for (const auto& model : {sd_, xl_}) {
    EXPECT_EQ(Encode(*model, request).sizes(),
              EncodeNegative(*model, request).sizes());
  }
}

TEST_F(ConditionerTest, EmphasisWeighsTokensAndKeepsTheMean) {
  const c10::InferenceMode no_gradients;
  const at::Tensor plain = Encode(*sd_, {.prompt = "a cat"});
  const at::Tensor weighted =
      Encode(*sd_, {.prompt = "a (cat:1.5)", .emphasis = true});
  EXPECT_GT(Difference(plain, weighted), 1e-3);
  EXPECT_NEAR(plain.mean().item<double>(), weighted.mean().item<double>(),
              1e-6);
  // The first token changes by the common factor only.
  const at::Tensor factor = weighted[1] / plain[1];
  EXPECT_LE(Difference(factor, factor.mean().expand_as(factor)), 1e-4);
  EXPECT_LE(
      Difference(Encode(*sd_, {.prompt = "a (cat:1.0)", .emphasis = true}),
                 plain),
      1e-6);
}

}  // namespace
}  // namespace sheaf::engine
