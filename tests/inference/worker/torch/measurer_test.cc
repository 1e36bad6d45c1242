#include "inference/worker/torch/measurer.h"

#include <gtest/gtest.h>

namespace sheaf::worker {
namespace {

TEST(MeasurerTest, FiguresBecomeAProfile) {
  engine::Measurements found;
  found.steps = {{1, 10}, {2, 12}, {4, 24}};
  found.controls["edge"] = {{1, 3}, {2, 4}};
  found.controls["depth"] = {{1, 5}, {2, 10}};
  found.encodes = {{1, 8}, {4, 20}};
  found.decode = 30;
  found.load = 400;
  const batching::Profile profile = ProfileOf(found);
  EXPECT_EQ(profile.Step(1), 10);
  EXPECT_EQ(profile.Step(3), 18);
  EXPECT_GT(profile.Step(8), 24);
  EXPECT_NEAR(profile.Control("depth").At(2), 10, 0.5);
  EXPECT_NEAR(profile.Control("of no name").At(2), 10, 0.5);
  EXPECT_NEAR(profile.encode.At(4), 20, 1e-9);
  EXPECT_NEAR(profile.encode.At(1), 8, 1e-9);
  EXPECT_EQ(profile.decode.At(1), 30);
  EXPECT_EQ(profile.swap, 400);
}

TEST(MeasurerTest, RowsThatDoNotAgreeGainNothingByCompany) {
  engine::Measurements found;
  found.steps = {{1, 10}, {2, 12}, {4, 16}};
  found.encodes = {{1, 8}, {4, 20}};
  found.rows_agree = false;
  const batching::Profile profile = ProfileOf(found);
  EXPECT_TRUE(profile.alone);
  // Guided runs have two rows each: one run alone, then eight one after the
  // other.
  EXPECT_NEAR(profile.Step(2), 12, 0.1);
  EXPECT_NEAR(profile.Step(16), 96, 1);
}

}  // namespace
}  // namespace sheaf::worker
