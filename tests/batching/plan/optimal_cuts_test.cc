#include "batching/plan/optimal_cuts.h"

#include <time.h>

#include <algorithm>
#include <functional>
#include <limits>
#include <random>

#include "batching/plan/improve.h"
#include "gtest/gtest.h"
#include "tests/base/seed.h"
#include "tests/batching/builders.h"

namespace sheaf::batching {
namespace {

// The least weighed cost over all ways to cut, by trying all.
double BruteForce(const CostModel& model, absl::Span<const uint32_t> classes,
                  const CutOptions& options) {
  if (classes.empty()) return 0;
  double best = std::numeric_limits<double>::infinity();
  const double weight = 1 + options.waiting_weight * classes.size();
  for (size_t k = 1; k <= classes.size(); ++k) {
    if (static_cast<int>(k) > options.size_max) break;
    best = std::min(best, model.Batch(classes.subspan(0, k)) * weight +
                              BruteForce(model, classes.subspan(k), options));
  }
  return best;
}

class OptimalCutsTest : public testing::Test {
 protected:
  std::vector<uint32_t> RandomClasses(size_t count, bool repeated) {
    std::vector<uint32_t> classes;
    while (classes.size() < count) {
      const uint32_t id =
          shapes_.shape(shapes_.Intern(ParamsOf(RandomRun(random_, 1)))).cost;
      const int times = repeated ? 1 + static_cast<int>(random_() % 4) : 1;
      for (int i = 0; i < times && classes.size() < count; ++i) {
        classes.push_back(id);
      }
    }
    return classes;
  }

  const uint32_t seed_ = TestSeed();
  std::mt19937 random_{seed_};
  ShapeTable shapes_;
};

TEST_F(OptimalCutsTest, CutsAreAsCheapAsTheBestOfAll) {
  for (int round = 0; round < 200; ++round) {
    const auto classes = RandomClasses(1 + random_() % 9, round % 2 == 0);
    const Profile profile = round % 3 == 0 ? SlowDevice() : FastDevice();
    const CostModel model(&shapes_, profile);
    const CutOptions options = {.size_max = 1 + static_cast<int>(random_() % 9),
                                .waiting_weight = round % 4 == 0 ? 0.3 : 0.0};
    const Cuts cuts = Cut(model, classes, options);
    EXPECT_NEAR(cuts.weighed, BruteForce(model, classes, options), 1e-6)
        << "seed " << seed_ << " round " << round;
    double ms = 0;
    size_t at = 0;
    for (const uint16_t size : cuts.sizes) {
      EXPECT_LE(size, options.size_max);
      ms += model.Batch(absl::MakeConstSpan(classes).subspan(at, size));
      at += size;
    }
    EXPECT_EQ(at, classes.size());
    EXPECT_NEAR(cuts.ms, ms, 1e-6);
  }
}

TEST_F(OptimalCutsTest, LittleWorkStillCutsEverything) {
  const auto classes = RandomClasses(200, false);
  const CostModel model(&shapes_, FastDevice());
  const Cuts full = Cut(model, classes, {.size_max = 7});
  const Cuts hasty = Cut(model, classes, {.size_max = 7, .work_max = 0});
  EXPECT_LE(full.ms, hasty.ms + 1e-6);
  size_t rows = 0;
  for (const uint16_t size : hasty.sizes) rows += size;
  EXPECT_EQ(rows, classes.size());
}

TEST_F(OptimalCutsTest, AlikeRowsAreNoWork) {
  EXPECT_EQ(UnlikeWork(std::vector<uint32_t>(100, 3), 8), 0);
  EXPECT_EQ(UnlikeWork(std::vector<uint32_t>{1, 2}, 8), 2);
  EXPECT_EQ(UnlikeWork(std::vector<uint32_t>{1, 2, 3}, 8), 2 + 3 + 2);
}

TEST_F(OptimalCutsTest, WaitingMakesBatchesSmallerWhereTheyGainLittle) {
  const std::vector<uint32_t> classes(
      8, shapes_.shape(shapes_.Intern(ParamsOf({}))).cost);
  const CostModel model(&shapes_, SlowDevice());
  const Cuts fast = Cut(model, classes, {.size_max = 8});
  const Cuts early = Cut(model, classes, {.size_max = 8, .waiting_weight = 10});
  EXPECT_LT(fast.sizes.size(), early.sizes.size());
}

TEST_F(OptimalCutsTest, ExchangesSaveAndLoseNothing) {
  for (int round = 0; round < 20; ++round) {
    const auto classes = RandomClasses(24, false);
    const CostModel model(&shapes_, FastDevice());
    std::vector<LooseBatch> batches(6);
    double before = 0;
    for (uint32_t i = 0; i < classes.size(); ++i) {
      batches[i % 6].rows.push_back(i);
      batches[i % 6].classes.push_back(classes[i]);
    }
    for (LooseBatch& batch : batches) {
      batch.ms = model.Batch(batch.classes);
      before += batch.ms;
    }
    const double saved = Improve(model, 5, 100'000, &batches);
    EXPECT_GT(saved, 0) << "seed " << seed_;
    double after = 0;
    std::vector<uint32_t> rows;
    for (const LooseBatch& batch : batches) {
      EXPECT_LE(batch.rows.size(), 5u);
      ASSERT_EQ(batch.rows.size(), batch.classes.size());
      for (size_t i = 0; i < batch.rows.size(); ++i) {
        rows.push_back(batch.rows[i]);
        EXPECT_EQ(batch.classes[i], classes[batch.rows[i]]);
      }
      after += model.Batch(batch.classes);
    }
    EXPECT_NEAR(before - saved, after, 1e-6);
    std::sort(rows.begin(), rows.end());
    for (uint32_t i = 0; i < classes.size(); ++i) EXPECT_EQ(rows[i], i);
  }
}

// The search computes no cost for rows that are all alike, so only the number
// of pairs that it looks at bounds it. Looking at all pairs would take seconds.
TEST_F(OptimalCutsTest, ExchangesOfVeryManyBatchesEnd) {
  const uint32_t alike = shapes_.shape(shapes_.Intern(ParamsOf({}))).cost;
  const CostModel model(&shapes_, FastDevice());
  std::vector<LooseBatch> batches(20'000);
  for (LooseBatch& batch : batches) {
    batch.rows.assign(4, 0);
    batch.classes.assign(4, alike);
    batch.ms = model.Batch(batch.classes);
  }
  const auto used = [] {
    timespec time{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return static_cast<double>(time.tv_sec) +
           static_cast<double>(time.tv_nsec) * 1e-9;
  };
  const double begin = used();
  EXPECT_EQ(Improve(model, 4, 1000, &batches), 0);
  EXPECT_LT(used() - begin, 0.5);
}

}  // namespace
}  // namespace sheaf::batching
