#include "batching/pricing/calibration.h"

#include <algorithm>
#include <cmath>
#include <random>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/base/seed.h"
#include "tests/batching/builders.h"

namespace sheaf::batching {
namespace {

using testing::HasSubstr;

TEST(CalibrationTest, BeforeEnoughBatchesThereIsNoBand) {
  Calibration calibration;
  EXPECT_THAT(GainText(calibration, 200, {{100.0}}, {.name = "h200"}),
              testing::StrEq("2.00x (uncalibrated: by the profile h200)"));
  EXPECT_THAT(GainText(calibration, 200, {{100.0}},
                       {.name = "here", .measured_here = true}),
              testing::StrEq("2.00x (measured: here)"));
  for (int64_t i = 0; i < kCalibratedAfter; ++i) {
    EXPECT_FALSE(EstimateOf(calibration, {{100.0}}).low_ms.has_value());
    calibration = Observed(calibration, 100, 100 + static_cast<double>(i % 3));
  }
  EXPECT_TRUE(EstimateOf(calibration, {{100.0}}).low_ms.has_value());
  EXPECT_THAT(GainText(calibration, 200, {{100.0}}, {.name = "h200"}),
              HasSubstr("2.00x ("));
}

TEST(CalibrationTest, TheCorrectionFollowsADeviceThatSlowsDown) {
  Calibration calibration;
  for (int i = 0; i < 100; ++i) calibration = Observed(calibration, 100, 110);
  EXPECT_NEAR(calibration.correction, 1.1, 1e-9);
  for (int i = 0; i < 100; ++i) calibration = Observed(calibration, 100, 150);
  EXPECT_NEAR(calibration.correction, 1.5, 0.01);
  EXPECT_NEAR(EstimateOf(calibration, {{200.0}}).ms, 300, 2);
}

TEST(CalibrationTest, NonsenseIsPassedOver) {
  const Calibration calibration;
  EXPECT_EQ(Observed(calibration, 0, 10), calibration);
  EXPECT_EQ(Observed(calibration, 10, -1), calibration);
  EXPECT_EQ(Observed(calibration, 10, std::nan("")), calibration);
}

TEST(CalibrationTest, OnlyTheLastHundredAreKept) {
  Calibration calibration;
  for (int i = 1; i <= 250; ++i) calibration = Observed(calibration, 100, i);
  ASSERT_EQ(calibration.ratios.size(), kRatiosKept);
  EXPECT_NEAR(calibration.ratios.front(), 1.51, 1e-9);
  EXPECT_EQ(calibration.count, 250);
}

TEST(CalibrationTest, ItIsStoredAndReadBack) {
  Calibration calibration;
  for (int i = 1; i <= 20; ++i)
    calibration = Observed(calibration, 100, 90 + i);
  EXPECT_EQ(DecodeCalibration(Encode(calibration)).value(), calibration);
  EXPECT_EQ(DecodeCalibration(Encode(Calibration())).value(), Calibration());
  for (const char* bad : {"", "{}", R"({"count":1,"correction":1,"ratios":[]})",
                          R"({"count":1,"correction":-1,"ratios":[1]})"}) {
    EXPECT_FALSE(DecodeCalibration(bad).ok()) << bad;
  }
}

// A device 20% slower than its profile, with 10% noise in every batch: after
// 50 batches predictions are good, and the band holds what it says.
TEST(CalibrationTest, PredictionsAreGoodAndBandsHonestAfterFiftyBatches) {
  const uint32_t seed = TestSeed();
  std::mt19937 random(seed);
  std::normal_distribution<double> noise(1, 0.1);
  int covered = 0;
  std::vector<double> errors;
  const int kPlans = 4'000;
  Calibration calibration;
  for (int plan = 0; plan < kPlans; ++plan) {
    // Devices differ from each other: a new one for every forty plans.
    if (plan % 40 == 0) calibration = Calibration();
    while (calibration.count < 50) {
      calibration = Observed(calibration, 1'000, 1'200 * noise(random));
    }
    std::vector<double> batches;
    const int count = 1 + static_cast<int>(random() % 12);
    for (int i = 0; i < count; ++i) {
      batches.push_back(500 + static_cast<double>(random() % 1'000));
    }
    const Estimate estimate = EstimateOf(calibration, batches);
    double actual = 0;
    for (const double ms : batches) {
      const double took = ms * 1.2 * noise(random);
      actual += took;
      calibration = Observed(calibration, ms, took);
    }
    covered += *estimate.low_ms <= actual && actual <= *estimate.high_ms;
    errors.push_back(std::abs(estimate.ms / actual - 1));
  }
  std::sort(errors.begin(), errors.end());
  EXPECT_LT(errors[kPlans / 2], 0.05) << "seed " << seed;
  const double part = static_cast<double>(covered) / kPlans;
  EXPECT_GT(part, 0.75) << "seed " << seed;
  EXPECT_LT(part, 0.85) << "seed " << seed;
}

TEST(CalibrationTest, MeasuringDoublesUntilRowsGetNoCheaper) {
  std::map<int, double> measured;
  const Hinge device = {460, 0, 20};  // Full with 23 rows.
  while (const auto next = NextToMeasure(measured, 64)) {
    measured[*next] = device.At(*next);
  }
  EXPECT_THAT(measured, testing::ElementsAre(testing::Key(1), testing::Key(2),
                                             testing::Key(4), testing::Key(8),
                                             testing::Key(16), testing::Key(32),
                                             testing::Key(64)));
}

TEST(CalibrationTest, NoiseDoesNotKeepUsualBatchesFromBeingMeasured) {
  std::map<int, double> measured = {{1, 5}, {2, 20}};
  while (const auto next = NextToMeasure(measured, 64)) {
    measured[*next] = 10.0 * *next;
  }
  EXPECT_EQ(measured.rbegin()->first, 16);
}

TEST(CalibrationTest, TheHeuristicCountsBatches) {
  EXPECT_DOUBLE_EQ(HeuristicSpeedup(8, 3), 8.0 / 3);
  EXPECT_EQ(HeuristicSpeedup(0, 0), 1);
}

}  // namespace
}  // namespace sheaf::batching
