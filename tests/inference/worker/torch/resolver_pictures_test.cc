// The pictures, controls and further models of a run, as they are resolved.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>

#include "base/status.h"
#include "inference/engine/image/png.h"
#include "inference/worker/torch/description.h"
#include "inference/worker/torch/request_resolver.h"
#include "tests/inference/worker/torch/resolver_fixture.h"

namespace sheaf::worker {
namespace {

using ::testing::IsEmpty;
using ::testing::SizeIs;

TEST_F(RequestResolverTest, PicturesThatARunNamesAreCountedTogether) {
  AddControl("edge", kPicture, 1);
  wish().set_init_image(kPicture);
  Limit({.source_pixels_max = 128});
  EXPECT_TRUE(Take().ok());
  Limit({.source_pixels_max = 127});
  ExpectError(absl::StatusCode::kInvalidArgument,
              "have more than 127 pixels together");
}

TEST_F(RequestResolverTest, TheBatchsWeightIsTheOneThatCounts) {
  AddControl("edge", kPicture, 0.25);
  wish().mutable_controls(0)->set_weight(2);
  wish().mutable_controls(0)->set_start(0.1);
  wish().mutable_controls(0)->set_end(0.6);
  const auto wanted = Take();
  ASSERT_TRUE(wanted.ok()) << wanted.status().ToString();
  ASSERT_THAT(wanted->controls, SizeIs(1));
  const engine::ImageControl& control = wanted->controls[0];
  EXPECT_EQ(control.weight, 0.25);
  EXPECT_EQ(control.folder, folder_.path() + "/sd/controlnet_edge");
  EXPECT_EQ(control.image.width, 8);
  EXPECT_EQ(control.start, 0.1);
  EXPECT_EQ(control.end, 0.6);
}

TEST_F(RequestResolverTest, AControlOfWeightZeroIsNone) {
  // Not even the control's picture is fetched.
  AddControl("edge", kGone, 0);
  const auto wanted = Take();
  ASSERT_TRUE(wanted.ok()) << wanted.status().ToString();
  EXPECT_THAT(wanted->controls, IsEmpty());
  EXPECT_EQ(fetches_, 0);
}

TEST_F(RequestResolverTest, ADetectorMakesTheControlsPicture) {
  AddControl("edge", kHalves, 1);
  wish().mutable_controls(0)->set_preprocess("canny(low=10,high=20)");
  const auto wanted = Take();
  ASSERT_TRUE(wanted.ok()) << wanted.status().ToString();
  ASSERT_THAT(wanted->controls, SizeIs(1));
  const auto edges =
      engine::Preprocess(engine::Preprocessor::kCanny, {.image = Halves()},
                         {.low = 10, .high = 20});
  EXPECT_EQ(wanted->controls[0].image.pixels, edges->pixels);
  EXPECT_EQ(wanted->controls[0].kept_as, "control-edge");
  wish().mutable_controls(0)->clear_preprocess();
  EXPECT_EQ(Take()->controls[0].kept_as, "");
  wish().mutable_controls(0)->set_preprocess("canny(low=10,high=20)");
  const engine::Image image = engine::MakeImage(8, 8, 3);
  EXPECT_EQ(
      DescriptionOf(batch_, 0, *wanted, image, models_).more.at("Controls"),
      "edge=canny(low=10,high=20) 1");
}

TEST_F(RequestResolverTest, WeightsAloneGoByTheFirstPicture) {
  wish().set_init_image(kHalves);
  (*wish().mutable_weights())["vis"] = 0.5;
  (*wish().mutable_weights())["edge"] = 0.3;
  const auto wanted = Take();
  ASSERT_TRUE(wanted.ok()) << wanted.status().ToString();
  ASSERT_THAT(wanted->controls, SizeIs(2));
  EXPECT_EQ(wanted->controls[0].kept_as, "control-edge");
  EXPECT_EQ(wanted->controls[0].weight, 0.3);
  EXPECT_EQ(wanted->controls[1].kept_as, "control-vis");
  const auto made = [](engine::Preprocessor preprocessor) {
    return engine::Preprocess(preprocessor, {.image = Halves()}, {})->pixels;
  };
  EXPECT_EQ(wanted->controls[0].image.pixels,
            made(engine::Preprocessor::kCanny));
  EXPECT_EQ(wanted->controls[1].image.pixels,
            made(engine::Preprocessor::kBlur));
  // The run names one picture, which is counted once.
  Limit({.source_pixels_max = 256});
  EXPECT_TRUE(Take().ok());
}

TEST_F(RequestResolverTest, ADetectorLooksAtSoManyPixelsAtMost) {
  wish().set_init_image("artifacts/huge");
  (*wish().mutable_weights())["edge"] = 0.3;
  ExpectError(absl::StatusCode::kInvalidArgument,
              "detectors take at most 16777216");
}

TEST_F(RequestResolverTest, SecondPromptsAndSizesArePassedOn) {
  wish().set_prompt_2("oil");
  wish().set_negative_prompt_2("");
  wish().set_original_width(640);
  wish().set_original_height(480);
  wish().set_crop_left(8);
  wish().set_crop_top(16);
  wish().set_target_width(1024);
  wish().set_target_height(768);
  const auto wanted = Take();
  ASSERT_TRUE(wanted.ok()) << wanted.status().ToString();
  const engine::RunRequest& request = wanted->request;
  EXPECT_EQ(request.prompt_2, "oil");
  EXPECT_EQ(request.negative_prompt_2, std::nullopt);
  EXPECT_EQ(request.original_size->first, 480);
  EXPECT_EQ(request.original_size->second, 640);
  EXPECT_EQ(request.crop.first, 16);
  EXPECT_EQ(request.crop.second, 8);
  EXPECT_EQ(request.target_size->first, 768);
  EXPECT_EQ(request.target_size->second, 1024);
  const engine::Image image = engine::MakeImage(8, 8, 3);
  const auto more = DescriptionOf(batch_, 0, *wanted, image, models_).more;
  EXPECT_EQ(more.at("Prompt 2"), "oil");
  EXPECT_EQ(more.at("Original size"), "640x480");
  EXPECT_EQ(more.at("Crop"), "8,16");
  EXPECT_EQ(more.at("Target size"), "1024x768");
  wish().clear_original_height();
  ExpectError(absl::StatusCode::kInvalidArgument,
              "original_width and original_height need each other");
}

TEST_F(RequestResolverTest, ARefinerIsAModelByItsAlias) {
  EXPECT_FALSE(Take()->refiner.has_value());
  wish().set_refiner("fine");
  EXPECT_EQ(Take()->refiner->start, 0.8);
  wish().set_refiner_start(0.6);
  const auto wanted = Take();
  ASSERT_TRUE(wanted.ok()) << wanted.status().ToString();
  EXPECT_EQ(wanted->model.folder, folder_.path() + "/sd");
  EXPECT_EQ(wanted->refiner->model.folder, folder_.path() + "/fine");
  EXPECT_EQ(wanted->refiner->start, 0.6);
  EXPECT_EQ(wanted->refiner->model.vae, folder_.path() + "/fine/vae_soft");
  const auto description =
      DescriptionOf(batch_, 0, *wanted, engine::MakeImage(8, 8, 3), models_);
  EXPECT_EQ(description.vae, "soft");
  EXPECT_EQ(description.model, "sd");
  EXPECT_EQ(description.more.at("Refiner"), "fine");
  EXPECT_EQ(description.more.at("Refiner switch at"), "0.6");
  wish().set_vae("fast");
  EXPECT_EQ(Take()->refiner->model.vae, folder_.path() + "/sd/vae_fast");
  wish().set_refiner("fin");
  ExpectError(absl::StatusCode::kNotFound,
              "no refiner 'fin' here, did you mean 'fine'?");
  wish().clear_refiner();
  ExpectError(absl::StatusCode::kInvalidArgument,
              "refiner_start needs a refiner");
}

TEST_F(RequestResolverTest, OnePictureMayComeUnderEitherName) {
  wish().add_images(kPicture);
  const auto wanted = Take();
  ASSERT_TRUE(wanted.ok()) << wanted.status().ToString();
  EXPECT_EQ(wanted->request.task, engine::Task::kImage);
  EXPECT_EQ(wanted->request.image.width, 8);
  wish().set_init_image(kPicture);
  ExpectError(absl::StatusCode::kInvalidArgument,
              "takes one input picture, not 2");
}

TEST_F(RequestResolverTest, APictureIsFetchedOnceForAllThatShareIt) {
  AddControl("edge", kPicture, 1);
  wish().set_init_image(kPicture);
  ASSERT_TRUE(Take().ok());
  ASSERT_TRUE(Take().ok());
  EXPECT_EQ(fetches_, 1);
}

TEST_F(RequestResolverTest, PicturesSayWhatTheTaskIs) {
  wish().set_init_image(kPicture);
  wish().set_strength(0.3);
  auto wanted = Take();
  ASSERT_TRUE(wanted.ok()) << wanted.status().ToString();
  EXPECT_EQ(wanted->request.task, engine::Task::kImage);
  EXPECT_EQ(wanted->request.strength, 0.3);
  wish().set_mask(kPicture);
  wanted = Take();
  ASSERT_TRUE(wanted.ok()) << wanted.status().ToString();
  EXPECT_EQ(wanted->request.task, engine::Task::kInpaint);
}

}  // namespace
}  // namespace sheaf::worker
