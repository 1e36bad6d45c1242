#include "inference/worker/torch/run_controls.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/inference/worker/batches.h"

namespace sheaf::worker {
namespace {

using ::testing::HasSubstr;
using ::testing::SizeIs;

class RunControlsTest : public ::testing::Test {
 protected:
  v1::RunRequest& wish() { return *batch_.mutable_runs(0)->mutable_request(); }
  v1::Control& Add(const std::string& type) {
    v1::Control* control = wish().add_controls();
    control->set_type(type);
    return *control;
  }
  std::vector<RunControl> Controls() const { return ControlsOf(batch_, 0); }

  v1::LeasedBatch batch_ = MakeBatch(1, {{}});
};

TEST_F(RunControlsTest, TheBatchsWeightCountsAndZeroIsNone) {
  Add("edge").set_weight(2);
  Add("seg");
  Add("pose");
  auto& weights = *batch_.mutable_weights_list(0)->mutable_weights();
  weights["edge"] = 0.25;
  weights["pose"] = 0;
  const auto controls = Controls();
  ASSERT_THAT(controls, SizeIs(2));
  EXPECT_EQ(controls[0].type, "edge");
  EXPECT_EQ(controls[0].weight, 0.25);
  EXPECT_EQ(controls[1].type, "seg");
  EXPECT_EQ(controls[1].weight, 1);
}

TEST_F(RunControlsTest, AWeightAloneIsAControlWithoutAPicture) {
  // Types by name, whatever the order of the map.
  for (const char* type : {"vis", "edge", "depth", "tile", "seg"}) {
    (*wish().mutable_weights())[type] = 0.5;
    (*batch_.mutable_weights_list(0)->mutable_weights())[type] = 0.5;
  }
  // A neighbour's type.
  (*batch_.mutable_weights_list(0)->mutable_weights())["pose"] = 0;
  Add("seg").set_image("artifacts/aa");
  std::string text;
  for (const RunControl& control : Controls()) {
    text += control.type + "=" + control.preprocess + ":" + control.image + " ";
  }
  EXPECT_EQ(text,
            "seg=:artifacts/aa depth=: edge=canny: tile=blur: vis=blur: ");
}

TEST_F(RunControlsTest, TheDetectorIsTheRunsOrTheOneThatGoesWithTheType) {
  v1::Control& edge = Add("edge");
  edge.set_preprocess("lineart");
  EXPECT_EQ(Controls()[0].preprocess, "lineart");
  edge.set_image("artifacts/aa");
  EXPECT_EQ(Controls()[0].preprocess, "lineart");
  edge.clear_preprocess();
  EXPECT_EQ(Controls()[0].preprocess, "");
  edge.clear_image();
  EXPECT_EQ(Controls()[0].preprocess, "canny");
  EXPECT_EQ(DetectorOf(Controls()[0])->preprocessor,
            engine::Preprocessor::kCanny);
}

TEST_F(RunControlsTest, APreprocessorThatNeedsANetworkIsRefused) {
  const auto refusal = [&](const std::string& preprocess) {
    return std::string(DetectorOf({.type = "depth", .preprocess = preprocess})
                           .status()
                           .message());
  };
  EXPECT_THAT(refusal("depth"), HasSubstr("control 'depth': preprocessor "
                                          "'depth' makes no map from an "
                                          "ordinary picture"));
  EXPECT_THAT(refusal("midas"), HasSubstr("needs a network"));
  EXPECT_THAT(refusal("cany"), HasSubstr("did you mean 'canny'?"));
}

TEST_F(RunControlsTest, AMissingPictureIsSaidWithTheWayToGiveIt) {
  const auto said = [](const RunControl& control, bool has_init_image) {
    return std::string(NoPictureFor(control, has_init_image).message());
  };
  const RunControl edge = {.type = "edge", .preprocess = "canny"};
  EXPECT_EQ(said(edge, false),
            "control 'edge' has a weight but no picture; give it one "
            "(controls[].image; --control edge:WEIGHT:FILE), or give the run "
            "an init_image, of which canny makes one");
  const RunControl depth = {.type = "depth"};
  EXPECT_EQ(said(depth, false),
            "control 'depth' has a weight but no picture; give it one "
            "(controls[].image; --control depth:WEIGHT:FILE)");
  EXPECT_EQ(said(depth, true),
            "control 'depth' has a weight but no picture, and no detector here "
            "makes one from init_image; give the control a ready map "
            "(controls[].image; --control depth:WEIGHT:FILE)");
}

}  // namespace
}  // namespace sheaf::worker
