#include "server/scheduling/prices_board.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/server/scheduling/work.h"

namespace sheaf::server {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

batching::RowSet Rows() { return RowsLike(BatchOf(1)); }

class PricesBoardTest : public ::testing::Test {
 protected:
  void Take(absl::Duration time) {
    prices_.Learn(prices_.Predict(Rows(), kKind), time);
  }
  // Gives `next` the figures that a restart would find.
  void Restart(PricesBoard* next) {
    for (const auto& [name, value] : prices_.TakeChanged()) {
      EXPECT_TRUE(next->Recall(name, value)) << name;
    }
  }
  PricesBoard prices_{Flat()};
};

TEST_F(PricesBoardTest, LearnsForEachKindOfWork) {
  for (int i = 1; i <= 10; ++i) Take(absl::Milliseconds(120));
  const auto known = prices_.For(Rows());
  EXPECT_TRUE(known.calibrated());
  EXPECT_NEAR(known.correction, 1.2, 1e-9);
  EXPECT_NEAR(prices_.CorrectionOf(kKind).value_or(0), 1.2, 1e-9);
  Leased other = BatchOf(1);
  other.runs.resize(1);
  other.runs[0].params.width = 128;
  EXPECT_EQ(prices_.For(RowsLike(other)).count, 0);
}

TEST_F(PricesBoardTest, AFewBatchesCorrectNothing) {
  Take(absl::Milliseconds(120));
  EXPECT_FALSE(prices_.CorrectionOf(kKind));
}

TEST_F(PricesBoardTest, RunsWithControlsAreCorrectedByThemselves) {
  WorkKind two = kKind;
  two.controls = 2;
  for (int i = 1; i <= 10; ++i) Take(absl::Milliseconds(120));
  EXPECT_NEAR(prices_.CorrectionOf(two).value_or(0), 1.2, 1e-9)
      << "of the nearest number";
  for (int i = 1; i <= 10; ++i) {
    prices_.Learn(prices_.Predict(Rows(), two), absl::Milliseconds(200));
  }
  EXPECT_NEAR(prices_.CorrectionOf(two).value_or(0), 2, 1e-9);
  EXPECT_NEAR(prices_.CorrectionOf(kKind).value_or(0), 1.2, 1e-9);
  EXPECT_NEAR(prices_.For(Rows()).correction, 1.2, 1e-9);
  Leased leased = BatchOf(1);
  for (LeasedRun& run : leased.runs) {
    run.params.weights = {{"edge", 1}, {"depth", 1}, {"pose", 1}};
  }
  EXPECT_NEAR(prices_.For(RowsLike(leased)).correction, 2, 1e-9);
  // A measurement prices them all.
  prices_.Measured(kKind, Flat());
  EXPECT_FALSE(prices_.CorrectionOf(two));
  EXPECT_TRUE(prices_.IsMeasured(two));
}

TEST_F(PricesBoardTest, WhatWasLearnedIsStoredOnceAndReadBack) {
  Take(absl::Milliseconds(120));
  Take(absl::Milliseconds(130));
  PricesBoard next(Flat());
  Restart(&next);
  EXPECT_THAT(next.All(), SizeIs(1));
  EXPECT_EQ(next.All(), prices_.All());
  EXPECT_THAT(prices_.TakeChanged(), IsEmpty());
  EXPECT_FALSE(next.Recall("calibration\nnot\nours", "{}"));
  EXPECT_FALSE(next.Recall("something else", "?"));
}

TEST_F(PricesBoardTest, WhatWasMeasuredPricesThatWorkAndNoOther) {
  EXPECT_FALSE(prices_.IsMeasured(kKind));
  batching::Profile measured;
  measured.measured = {{1, 3}, {2, 4}, {4, 6}};
  measured.step = {3, 2, 1};
  prices_.Measured(kKind, measured);
  EXPECT_TRUE(prices_.IsMeasured(kKind));
  EXPECT_THAT(prices_.MeasuredOn("gpu"), ElementsAre(kKind));
  EXPECT_THAT(prices_.MeasuredOn("cpu"), IsEmpty());
  // Two guided runs are four rows: ten steps of six milliseconds.
  EXPECT_EQ(prices_.Predict(Rows(), kKind).ms, 60);
  EXPECT_EQ(prices_.Predict(Rows(), {"cpu", "m", 64, 32}).ms, 100);
  Leased other = BatchOf(3);
  for (LeasedRun& run : other.runs) run.params.model = "another";
  EXPECT_EQ(prices_.Predict(RowsLike(other), {"gpu", "another", 64, 32}).ms,
            100);
  const auto prices = prices_.PricesOf(Rows().shapes);
  ASSERT_THAT(prices, SizeIs(1));
  EXPECT_EQ(prices[0].Step(4), 6);
  EXPECT_TRUE(prices[0].measured_here);
}

TEST_F(PricesBoardTest, AnotherSizeIsPricedByItsPixels) {
  batching::Profile measured;
  measured.measured = {{1, 10}, {2, 12}, {8, 30}};
  measured.step = {10, 6, 3};
  measured.decode = {0, 5};
  measured.encode = {0, 2};
  prices_.Measured({"gpu", "m", 128, 64}, measured);
  const batching::Profile scaled = prices_.PricesOf(Rows().shapes, "gpu")[0];
  EXPECT_EQ(scaled.Step(1), 10);  // A quarter of the pixels, but a step.
  EXPECT_EQ(scaled.Step(8), 12);
  EXPECT_EQ(scaled.Step(16), 18);
  EXPECT_EQ(scaled.decode.At(1), 1.25);
  EXPECT_EQ(scaled.encode.At(1), 2);
  EXPECT_EQ(scaled.name, "gpu, m, 64x32 (by the pixels from 128x64)");
  EXPECT_EQ(Scaled(measured, 4).Step(2), 30);
  EXPECT_TRUE(prices_.IsMeasured({"gpu", "m", 64, 32}));
  EXPECT_FALSE(prices_.IsMeasured({"gpu", "m", 0, 0}));
}

TEST_F(PricesBoardTest, ANewMeasurementForgetsCorrectionsOfOldPrices) {
  for (int i = 1; i <= 10; ++i) Take(absl::Milliseconds(120));
  const Prediction before = prices_.Predict(Rows(), kKind);
  batching::Profile measured;
  measured.step = {20, 0, 0};
  prices_.Measured(kKind, measured);
  EXPECT_EQ(prices_.For(Rows()).count, 0);
  // The batch was predicted before, so it tells nothing of the new prices.
  prices_.Learn(before, absl::Seconds(1));
  EXPECT_EQ(prices_.For(Rows()).count, 0);
  Take(absl::Milliseconds(220));
  EXPECT_NEAR(prices_.For(Rows()).correction, 1.1, 1e-9);
}

TEST_F(PricesBoardTest, AnotherSizeThatIsMeasuredRepricesThoseThatAreNot) {
  const Prediction before = prices_.Predict(Rows(), kKind);
  prices_.Measured({"gpu", "m", 128, 64}, Flat());
  prices_.Learn(before, absl::Seconds(1));
  EXPECT_THAT(prices_.All(), IsEmpty());
  prices_.Measured(kKind, Flat());
  const Prediction after = prices_.Predict(Rows(), kKind);
  prices_.Measured({"gpu", "m", 128, 64}, Flat());
  prices_.Learn(after, absl::Seconds(1));
  EXPECT_THAT(prices_.All(), SizeIs(1)) << "it has a price of its own";
}

TEST_F(PricesBoardTest, MeasuredProfilesOutliveTheServer) {
  batching::Profile measured;
  measured.measured = {{1, 7}};
  measured.step = {7, 0, 0};
  prices_.Measured(kKind, measured);
  PricesBoard next(Flat());
  Restart(&next);
  EXPECT_EQ(next.PricesOf(Rows().shapes), prices_.PricesOf(Rows().shapes));
  EXPECT_TRUE(next.HasMeasured("gpu", "m"));
  EXPECT_FALSE(next.HasMeasured("cpu", "m"));
}

TEST_F(PricesBoardTest, AModelThatStepsAloneIsRememberedUntilItIsMeasuredAnew) {
  batching::Profile profile = Flat();
  profile.alone = true;
  prices_.Measured(kKind, profile);
  EXPECT_TRUE(prices_.StepsAlone("gpu", "m"));
  EXPECT_FALSE(prices_.StepsAlone("gpu", "mm"));
  EXPECT_FALSE(prices_.StepsAlone("cpu", "m"));
  PricesBoard next(Flat());
  Restart(&next);
  EXPECT_TRUE(next.StepsAlone("gpu", "m"));
  next.Measured(kKind, Flat());
  EXPECT_FALSE(next.StepsAlone("gpu", "m"));
}

TEST_F(PricesBoardTest, NamesMayHoldAnything) {
  const WorkKind kind{"gpu\n1", "a\\n\\\nb", 64, 32};
  const std::string name = NameOf("x\n", kind);
  EXPECT_EQ(ParseWorkKind("x\n", name), kind);
}

TEST_F(PricesBoardTest, WhatIsOfUseOutlivesJunk) {
  prices_.Measured(kKind, Flat());
  for (size_t i = 0; i < 2 * RecentKinds::kMax; ++i) {
    prices_.Measured({"gpu", "junk" + std::to_string(i), 8, 8}, Flat());
    // Work of the measured kind goes on all the while.
    if (i % 1000 == 0) Take(absl::Seconds(1));
  }
  EXPECT_TRUE(prices_.IsMeasured(kKind));
  EXPECT_FALSE(prices_.IsMeasured({"gpu", "junk0", 8, 8}));
  EXPECT_LE(prices_.MeasuredOn("").size(), RecentKinds::kMax);
  // Forgotten kinds are to be deleted, new ones to be stored.
  int64_t stored = 0;
  for (const auto& [name, value] : prices_.TakeChanged()) {
    stored += value.empty() ? 0 : 1;
  }
  EXPECT_LE(stored, static_cast<int64_t>(RecentKinds::kMax) + 1);
}

}  // namespace
}  // namespace sheaf::server
