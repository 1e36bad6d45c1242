#include "server/telemetry/stats_window.h"

#include <algorithm>
#include <random>

#include "gtest/gtest.h"

namespace sheaf::server {
namespace {

TEST(SpreadTest, NamesTheMiddleTheSlowAndTheSlowest) {
  std::vector<int64_t> times;
  for (int i = 100; i >= 1; --i) times.push_back(i);
  const Spread spread = SpreadOf(times);
  EXPECT_EQ(spread.count, 100);
  EXPECT_EQ(spread.mean, 51) << "50.5, rounded";
  EXPECT_EQ(spread.p50, 50);
  EXPECT_EQ(spread.p95, 95);
  EXPECT_EQ(spread.max, 100);
}

TEST(SpreadTest, OneSlowRunMovesTheMeanAndNotTheMiddle) {
  const Spread spread = SpreadOf({10, 10, 10, 970});
  EXPECT_EQ(spread.mean, 250);
  EXPECT_EQ(spread.p50, 10);
}

TEST(SpreadTest, OfOneIsThatOneAndOfNoneIsNothing) {
  EXPECT_EQ(SpreadOf({7}).mean, 7);
  EXPECT_EQ(SpreadOf({}).mean, 0);
  EXPECT_EQ(SpreadOf({7}).p50, 7);
  EXPECT_EQ(SpreadOf({7}).p95, 7);
  EXPECT_EQ(SpreadOf({7}).max, 7);
  EXPECT_EQ(SpreadOf({}).count, 0);
  EXPECT_EQ(SpreadOf({}).max, 0);
}

TEST(SpreadTest, NoMoreThanTheStatedShareLiesAbove) {
  const unsigned seed = std::random_device()();
  SCOPED_TRACE(seed);
  std::mt19937 random(seed);
  for (int round = 0; round < 200; ++round) {
    std::vector<int64_t> times(1 + random() % 60);
    for (int64_t& time : times) time = random() % 20;
    const Spread spread = SpreadOf(times);
    const auto above = [&](int64_t limit) {
      return std::count_if(times.begin(), times.end(),
                           [limit](int64_t time) { return time > limit; });
    };
    const auto count = static_cast<int64_t>(times.size());
    EXPECT_LE(above(spread.p50) * 100, count * 50);
    EXPECT_LE(above(spread.p95) * 100, count * 5);
    EXPECT_EQ(above(spread.max), 0);
    // No smaller value would do.
    EXPECT_GT(above(spread.p50 - 1) * 100, count * 50);
    EXPECT_GT(above(spread.p95 - 1) * 100, count * 5);
    EXPECT_GT(above(spread.max - 1), 0);
  }
}

class SummarizeTest : public testing::Test {
 protected:
  SummarizeTest() { notes_.queues = {{1, "default"}, {2, "night"}}; }

  Figures Sum() const { return Summarize(notes_, 1000, 2000); }

  Notes notes_;
};

TEST_F(SummarizeTest, OnlyWhatLiesInTheWindowCounts) {
  for (const int64_t time : {999, 1000, 1001, 2000, 2001}) {
    notes_.starts.push_back({.time = time, .wait = time, .queue = 1});
    notes_.ends.push_back({.time = time, .generation = 5, .queue = 1});
    notes_.batches.push_back(
        {.start = time, .end = time, .worker = WorkerId{3}, .queue = 1});
  }
  const QueueFigures figures = Sum().queues.at("default");
  EXPECT_EQ(figures.wait.count, 2);
  EXPECT_EQ(figures.wait.max, 2000);
  EXPECT_EQ(figures.ended.succeeded, 2);
  EXPECT_EQ(figures.batches, 2);
}

TEST_F(SummarizeTest, QueuesAreKeptApartAndTheTotalHasThemAll) {
  notes_.ends = {
      {.time = 1500, .queue = 1, .count = 3, .state = RunState::kCancelled},
      {.time = 1500, .queue = 2, .state = RunState::kFailed},
      {.time = 1500, .queue = 9, .state = RunState::kSucceeded},  // deleted
  };
  const Figures figures = Sum();
  EXPECT_EQ(figures.queues.size(), 2u);
  EXPECT_EQ(figures.queues.at("default").ended.cancelled, 3);
  EXPECT_EQ(figures.queues.at("default").ended.failed, 0);
  EXPECT_EQ(figures.queues.at("night").ended.failed, 1);
  EXPECT_EQ(figures.total.ended, (RunCounts{0, 0, 1, 1, 3}));
}

TEST_F(SummarizeTest, AnAttemptThatIsTriedAgainHasFailedButNotEnded) {
  notes_.ends = {{.time = 1500,
                  .generation = 70,
                  .worker = WorkerId{3},
                  .queue = 1,
                  .state = RunState::kQueued,
                  .failed_attempt = true}};
  const Figures figures = Sum();
  EXPECT_EQ(figures.total.ended, RunCounts());
  EXPECT_EQ(figures.total.failed_attempts, 1);
  EXPECT_EQ(figures.total.generation.count, 0);
  EXPECT_EQ(figures.workers.at(WorkerId{3}).failed_attempts, 1);
  EXPECT_EQ(figures.workers.at(WorkerId{3}).succeeded, 0);
}

TEST_F(SummarizeTest, OverlappingBatchesKeepAWorkerBusyOnce) {
  const auto batch = [this](int64_t worker, int64_t start, int64_t end) {
    notes_.batches.push_back({.start = start,
                              .end = end,
                              .worker = WorkerId{worker},
                              .queue = 1,
                              .size = 4});
  };
  batch(3, 1100, 1300);
  batch(3, 1200, 1400);
  batch(3, 1250, 1260);
  batch(4, 500, 1100);       // began before the window
  batch(4, 1900, kUnknown);  // not ended
  batch(5, 100, 900);        // before the window
  const Figures figures = Sum();
  EXPECT_EQ(figures.workers.at(WorkerId{3}).busy, 300);
  EXPECT_EQ(figures.workers.at(WorkerId{3}).batches, 3);
  EXPECT_EQ(figures.workers.at(WorkerId{3}).batched_runs, 12);
  EXPECT_EQ(figures.workers.at(WorkerId{4}).busy, 200);
  EXPECT_EQ(figures.workers.at(WorkerId{4}).batches, 1);
  EXPECT_EQ(figures.workers.at(WorkerId{5}).busy, 0);
  EXPECT_EQ(figures.total.batches, 4);
}

}  // namespace
}  // namespace sheaf::server
