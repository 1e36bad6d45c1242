#include "inference/worker/torch/request_resolver.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>

#include "base/status.h"
#include "inference/engine/image/png.h"
#include "inference/worker/torch/description.h"
#include "tests/inference/worker/torch/resolver_fixture.h"

namespace sheaf::worker {
namespace {

TEST_F(RequestResolverTest, PicturesBeyondTheLimitsAreBadInputInWords) {
  wish().set_width(1024);
  wish().set_height(1024);
  wish().set_steps(10);
  EXPECT_TRUE(Take().ok());
  Limit({.pixels_max = 1024 * 1023});
  ExpectError(absl::StatusCode::kInvalidArgument,
              "1024x1024 are 1048576 pixels, more than the 1047552 that this "
              "worker makes (--pixels-max)");
  Limit({.pixels_max = 1024 * 1024, .pixel_steps_max = 10485759});
  ExpectError(absl::StatusCode::kInvalidArgument, "--pixel-steps-max");
  Limit({.pixel_steps_max = 10485760});
  EXPECT_TRUE(Take().ok());
}

TEST_F(RequestResolverTest, AModelsTableMayAskForSmallerPictures) {
  folder_.Write("sd/sheaf.toml", "default = true\npixels_max = 65536\n");
  models_ = *ModelList::Read({folder_.path()});
  wish().set_width(256);
  wish().set_height(256);
  EXPECT_TRUE(Take().ok());
  wish().set_height(264);
  ExpectError(absl::StatusCode::kInvalidArgument, "pixels_max");
}

// The sizes come from the files' headers: no picture is unpacked first.
TEST_F(RequestResolverTest, WhatARunLeavesOpenTheModelSays) {
  const auto wanted = Take();
  ASSERT_TRUE(wanted.ok()) << wanted.status().ToString();
  EXPECT_EQ(wanted->request.steps, 9);
  EXPECT_EQ(wanted->request.guidance, 4);
  EXPECT_EQ(wanted->sampler, "Euler");
  EXPECT_EQ(wanted->request.width, 0);
  EXPECT_EQ(wanted->request.negative_prompt, std::nullopt);
  EXPECT_EQ(wanted->request.task, engine::Task::kText);
}

TEST_F(RequestResolverTest, WhatARunSaysIsPassedOn) {
  wish().set_model("sd");
  wish().set_vae("fast");
  wish().set_steps(3);
  wish().set_guidance(1.5);
  wish().set_sampler("DDIM");
  wish().set_negative_prompt("");
  wish().set_width(64);
  wish().set_height(48);
  wish().set_seed(7);
  wish().set_clip_skip(1);
  wish().set_prompt_chunks(3);
  wish().set_emphasis(true);
  wish().set_guess_mode(true);
  wish().set_eta(0.5);
  wish().set_guidance_rescale(0.7);
  wish().set_image_guidance(1.25);
  wish().set_random(v1::RANDOM_MODE_PHILOX);
  (*wish().mutable_extra())["sim.fault"] = "fail";
  const auto wanted = Take();
  ASSERT_TRUE(wanted.ok()) << wanted.status().ToString();
  EXPECT_EQ(wanted->model.vae, folder_.path() + "/sd/vae_fast");
  const engine::RunRequest& request = wanted->request;
  EXPECT_EQ(request.steps, 3);
  EXPECT_EQ(request.guidance, 1.5);
  EXPECT_EQ(wanted->sampler, "DDIM");
  EXPECT_EQ(request.negative_prompt, "");
  EXPECT_EQ(request.width, 64);
  EXPECT_EQ(request.height, 48);
  EXPECT_EQ(request.seed, 7u);
  EXPECT_EQ(request.clip_skip, 1);
  EXPECT_EQ(request.prompt_chunks, 3);
  EXPECT_TRUE(request.emphasis);
  EXPECT_TRUE(request.guess_mode);
  EXPECT_EQ(request.eta, 0.5);
  EXPECT_EQ(request.guidance_rescale, 0.7);
  EXPECT_EQ(request.image_guidance, 1.25);
  EXPECT_EQ(request.random, engine::RandomMode::kPhilox);
}

TEST_F(RequestResolverTest, SettingsAreReadFromExtraWhereTheirFieldsAreAbsent) {
  auto& extra = *wish().mutable_extra();
  extra["clip_skip"] = "1";
  extra["prompt_chunks"] = "2";
  extra["emphasis"] = "true";
  extra["guess_mode"] = "true";
  extra["eta"] = "0.5";
  extra["guidance_rescale"] = "0.25";
  extra["image_guidance"] = "2";
  extra["random"] = "philox";
  const auto wanted = Take();
  ASSERT_TRUE(wanted.ok()) << wanted.status().ToString();
  const engine::RunRequest& request = wanted->request;
  EXPECT_EQ(request.clip_skip, 1);
  EXPECT_EQ(request.prompt_chunks, 2);
  EXPECT_TRUE(request.emphasis);
  EXPECT_TRUE(request.guess_mode);
  EXPECT_EQ(request.eta, 0.5);
  EXPECT_EQ(request.guidance_rescale, 0.25);
  EXPECT_EQ(request.image_guidance, 2);
  EXPECT_EQ(request.random, engine::RandomMode::kPhilox);
}

TEST_F(RequestResolverTest, AFieldWinsOverItsFormerKey) {
  auto& extra = *wish().mutable_extra();
  extra["clip_skip"] = "many";
  extra["emphasis"] = "true";
  extra["random"] = "philox";
  wish().set_clip_skip(0);
  wish().set_emphasis(false);
  wish().set_random(v1::RANDOM_MODE_CPU);
  const auto wanted = Take();
  ASSERT_TRUE(wanted.ok()) << wanted.status().ToString();
  EXPECT_EQ(wanted->request.clip_skip, 0);
  EXPECT_FALSE(wanted->request.emphasis);
  EXPECT_EQ(wanted->request.random, engine::RandomMode::kCpu);
}

TEST_F(RequestResolverTest, WhatCannotWorkIsSaid) {
  constexpr auto kBad = absl::StatusCode::kInvalidArgument;
  constexpr auto kMissing = absl::StatusCode::kNotFound;
  const v1::LeasedBatch good = batch_;
  wish().set_model("sdd");
  ExpectError(kMissing, "did you mean 'sd'?");
  batch_ = good;
  wish().set_vae("slow");
  ExpectError(kMissing, "no VAE 'slow'");
  batch_ = good;
  wish().add_loras()->set_name("x");
  ExpectError(kBad, "LoRA");
  batch_ = good;
  AddControl("depth", kPicture, 1);
  ExpectError(kMissing, "no control 'depth'");
  batch_ = good;
  AddControl("vid", kPicture, 1);
  ExpectError(kMissing, "no control 'vid', did you mean 'vis'?");
  batch_ = good;
  AddControl("edge", kPicture, 1);
  wish().mutable_controls(0)->set_preprocess("hed");
  ExpectError(kBad, "control 'edge': preprocessor 'hed' needs a network");
  batch_ = good;
  AddControl("edge", "", 1);
  ExpectError(kBad, "'edge' has a weight but no picture; give it one");
  batch_ = good;
  AddControl("edge", kJunk, 1);
  ExpectError(kBad, "cannot be read");
  batch_ = good;
  AddControl("edge", kGone, 1);
  ExpectError(kMissing, "no such artifact");
  batch_ = good;
  (*wish().mutable_weights())["edge"] = 0.5;
  ExpectError(kBad, "'edge' has a weight but no picture");
  batch_ = good;
  wish().set_mask(kPicture);
  ExpectError(kBad, "a mask needs a first picture");
  batch_ = good;
  for (const auto& [name, value] :
       {std::pair("clip_skip", "-1"), std::pair("eta", "nan"),
        std::pair("emphasis", "perhaps"), std::pair("random", "dice"),
        std::pair("prompt_chunks", "1000")}) {
    batch_ = good;
    (*wish().mutable_extra())[name] = value;
    ExpectError(kBad, name);
  }
}

TEST_F(RequestResolverTest, AnExtraThatTheEngineDoesNotKnowIsRefused) {
  constexpr auto kBad = absl::StatusCode::kInvalidArgument;
  const v1::LeasedBatch good = batch_;
  (*wish().mutable_extra())["clipskip"] = "2";
  ExpectError(kBad, "knows no extra 'clipskip', did you mean 'clip_skip'?");
  batch_ = good;
  (*wish().mutable_extra())["upscaler"] = "foo";
  ExpectError(kBad, "knows no extra 'upscaler'");
}

TEST_F(RequestResolverTest, AServerThatIsAwayIsNoFaultOfTheRuns) {
  wish().set_init_image(kAway);
  ExpectError(absl::StatusCode::kUnavailable, "no server");
  wish().set_init_image(kBusy);
  ExpectError(absl::StatusCode::kUnavailable, "too many calls");
}

TEST_F(RequestResolverTest, TheModelsOwnSamplerIsDescribedByItsName) {
  folder_.Write("sd/scheduler/scheduler_config.json",
                R"({"_class_name": "PNDMScheduler"})");
  models_ = *ModelList::Read({folder_.path()});
  wish().set_sampler("auto");
  const auto wanted = Take();
  ASSERT_TRUE(wanted.ok());
  const engine::Image image = engine::MakeImage(8, 8, 3);
  EXPECT_EQ(DescriptionOf(batch_, 0, *wanted, image, models_).sampler, "PNDM");
}

TEST_F(RequestResolverTest, TheDescriptionSaysNothingOfTheNeighbours) {
  batch_ = MakeBatch(1, {{.seed = 5}, {.seed = 6}});
  AddControl("edge", kPicture, 0.5);
  const auto wanted = Take();
  ASSERT_TRUE(wanted.ok());
  const engine::Image image = engine::MakeImage(8, 8, 3);
  const engine::Generation together =
      DescriptionOf(batch_, 0, *wanted, image, models_);
  v1::LeasedBatch alone = batch_;
  alone.set_name("batches/9");
  alone.mutable_runs()->DeleteSubrange(1, 1);
  EXPECT_EQ(together, DescriptionOf(alone, 0, *wanted, image, models_));
  EXPECT_EQ(together.more.at("Controls"), "edge 0.5");
  EXPECT_EQ(together.model, "sd");
  EXPECT_EQ(together.sampler, "Euler");
  EXPECT_EQ(together.seed, 5u);
}

TEST_F(RequestResolverTest, TheModelsTableChoosesTheVaeOfRunsThatNameNone) {
  EXPECT_EQ(Take()->model.vae, "");
  folder_.Write("sd/vae_sharp/config.json", "{}");
  folder_.Write(
      "sd/sheaf.toml",
      "default = true\nvae = 'sharp'\nvae_fp16 = 'fast'\nvae_large = 'fast'\n"
      "vae_large_pixels = 4096\n");
  models_ = *ModelList::Read({folder_.path()});
  const std::string sharp = models_.Find("sd")->vaes.at("sharp");
  const std::string fast = models_.Find("sd")->vaes.at("fast");
  wish().set_width(64);
  wish().set_height(64);
  EXPECT_EQ(Take()->model.vae, sharp);
  wish().set_height(72);
  EXPECT_EQ(Take()->model.vae, fast);
  EXPECT_EQ(
      DescriptionOf(batch_, 0, *Take(), engine::MakeImage(64, 72, 3), models_)
          .vae,
      "fast");
  wish().set_vae("sharp");
  EXPECT_EQ(Take()->model.vae, sharp);
  wish().clear_vae();
  wish().set_height(64);
  models_.ExpectHalf();
  EXPECT_EQ(Take()->model.vae, fast);
}

}  // namespace
}  // namespace sheaf::worker
