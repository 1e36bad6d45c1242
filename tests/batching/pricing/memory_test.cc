#include "batching/pricing/memory.h"

#include <algorithm>
#include <random>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/base/seed.h"

namespace sheaf::batching {
namespace {

using testing::HasSubstr;

constexpr double kGiB = 1024.0 * 1024 * 1024;
constexpr double kBudget = 20 * kGiB;

// The peak of a batch: 4 GiB, and 2 GiB a row.
double PeakOf(int rows) { return (4.0 + 2.0 * rows) * kGiB; }

TEST(MemoryTest, TheBudgetIsAShareLessWhatOthersHold) {
  EXPECT_DOUBLE_EQ(MemoryBudget(100, 10), 75);
  EXPECT_DOUBLE_EQ(MemoryBudget(100, 10, 0.8), 70);
  EXPECT_EQ(MemoryBudget(100, 200), 0);
  EXPECT_EQ(FreeBytes(60, 45, 10), 25);
}

TEST(MemoryTest, AColdStartDoublesUntilTheFitSaysStop) {
  MemoryBounds bounds;
  std::vector<int> sizes;
  for (int i = 0; i < 6; ++i) {
    sizes.push_back(RowsMax(bounds, kBudget));
    bounds = Succeeded(bounds, {sizes.back(), PeakOf(sizes.back())}, kBudget);
  }
  // 8 rows use the whole budget; no larger size is tried.
  EXPECT_THAT(sizes, testing::ElementsAre(1, 2, 4, 8, 8, 8));
}

TEST(MemoryTest, ASizeThatRanOutIsNotTriedAtOnce) {
  MemoryBounds bounds;
  bounds = Succeeded(bounds, {4, 1}, kBudget);  // without a useful peak
  bounds = RanOut(bounds, 8);
  EXPECT_EQ(RowsMax(bounds, kBudget), 4);
  // Ten clean batches earn one more row.
  for (int i = 0; i < 9; ++i) bounds = Succeeded(bounds, {4, 1}, kBudget);
  EXPECT_EQ(RowsMax(bounds, kBudget), 4);
  bounds = Succeeded(bounds, {4, 1}, kBudget);
  EXPECT_EQ(RowsMax(bounds, kBudget), 5);
  bounds = Succeeded(bounds, {5, 1}, kBudget);
  EXPECT_EQ(RowsMax(bounds, kBudget), 5);
}

TEST(MemoryTest, RunningOutAgainMakesProbesRarer) {
  const auto clean_until_probe = [](MemoryBounds bounds) {
    int batches = 0;
    while (RowsMax(bounds, kBudget) == 3 && batches < 1'000) {
      bounds = Succeeded(bounds, {3, 1}, kBudget);
      ++batches;
    }
    return batches;
  };
  MemoryBounds bounds = Succeeded({}, {3, 1}, kBudget);
  bounds = RanOut(bounds, 4);
  const int once = clean_until_probe(bounds);
  const int twice = clean_until_probe(RanOut(bounds, 4));
  EXPECT_EQ(once, 20);
  EXPECT_EQ(twice, 40);
}

TEST(MemoryTest, ASimulatedDeviceIsUsedFullyAndSeldomRunsOut) {
  const uint32_t seed = TestSeed();
  std::mt19937 random(seed);
  std::normal_distribution<double> noise(1, 0.03);
  const int fits = 6;
  MemoryBounds bounds;
  int ooms = 0;
  int64_t rows = 0;
  for (int i = 0; i < 1'000; ++i) {
    // The allocator's own overhead breaks the line: 7 rows never fit.
    const int size = RowsMax(bounds, 40 * kGiB);
    if (size > fits) {
      bounds = RanOut(bounds, size);
      ++ooms;
    } else {
      bounds =
          Succeeded(bounds, {size, PeakOf(size) * noise(random)}, 40 * kGiB);
      rows += size;
    }
  }
  EXPECT_EQ(bounds.largest_success, fits);
  EXPECT_LE(ooms, 10) << "seed " << seed;
  EXPECT_GT(rows, 5'500) << "seed " << seed;
}

TEST(MemoryTest, AnyDeviceMayStillTryOneRow) {
  const MemoryBounds bounds = RanOut(Succeeded({}, {1, PeakOf(1)}, 1), 2);
  EXPECT_EQ(RowsMax(bounds, 0), 1);
  EXPECT_EQ(RowsMax({}, 0), 1);
}

TEST(MemoryTest, TheFitLiesAboveNearlyAllPeaks) {
  const uint32_t seed = TestSeed();
  std::mt19937 random(seed);
  std::vector<MemoryPeak> peaks;
  for (int i = 0; i < 100; ++i) {
    const int rows = 1 + static_cast<int>(random() % 8);
    const double noise = 1 + static_cast<double>(random() % 100) / 1'000;
    peaks.push_back({rows, PeakOf(rows) * noise});
  }
  const MemoryLine line = FitPeaks(peaks);
  const auto above = std::count_if(peaks.begin(), peaks.end(), [&](auto& p) {
    return p.bytes > line.At(p.rows) + 1;
  });
  EXPECT_LE(above, 5) << "seed " << seed;
  EXPECT_NEAR(line.per_row / kGiB, 2, 0.5) << "seed " << seed;
}

TEST(MemoryTest, RecommendationsSayWhatFitsAndWhatPays) {
  MemoryBounds bounds;
  for (const int rows : {1, 2, 4, 6}) {
    bounds = Succeeded(bounds, {rows, PeakOf(rows)}, 16 * kGiB);
  }
  EXPECT_EQ(Recommendation(bounds, 16 * kGiB, 4),
            "batch size 6 fits; 4 is the knee");
  EXPECT_THAT(Recommendation(bounds, 16 * kGiB, 9),
              HasSubstr("the knee (9) does not"));
  EXPECT_THAT(Recommendation({}, kBudget, 4), HasSubstr("begin with"));
}

TEST(MemoryTest, BoundsAreStoredAndReadBack) {
  MemoryBounds bounds = RanOut(Succeeded({}, {3, PeakOf(3)}, kBudget), 4);
  bounds.clean = 7;
  EXPECT_EQ(DecodeMemoryBounds(Encode(bounds)).value(), bounds);
  EXPECT_FALSE(DecodeMemoryBounds("{}").ok());
  EXPECT_FALSE(DecodeMemoryBounds("").ok());
  for (int i = 0; i < 300; ++i) bounds = Succeeded(bounds, {1, 1}, kBudget);
  EXPECT_EQ(bounds.peaks.size(), kPeaksKept);
}

}  // namespace
}  // namespace sheaf::batching
