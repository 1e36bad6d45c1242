#include "batching/continuous/placement.h"

#include <numeric>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/batching/builders.h"

namespace sheaf::batching {
namespace {

using testing::ElementsAre;

TEST(PlacementTest, WithoutWorkersThereIsNoPlace) {
  EXPECT_FALSE(PlaceBatch({}, PlacementRule::kRoundRobin, 0).has_value());
}

TEST(PlacementTest, EarliestFinishCountsWaitingLoadingAndSpeed) {
  const WorkerView workers[] = {
      {.worker = 1, .free_ms = 0, .swap_ms = 2'500, .ms = 1'000},
      {.worker = 2, .free_ms = 2'000, .loaded = true, .ms = 1'000},
      {.worker = 3, .free_ms = 0, .loaded = true, .ms = 4'000}};
  EXPECT_EQ(PlaceBatch(workers, PlacementRule::kEarliestFinish, 0), 1u);
}

TEST(PlacementTest, RoundRobinGoesOnAfterTheLast) {
  const WorkerView workers[] = {{.worker = 7}, {.worker = 2}, {.worker = 4}};
  const auto next = [&](int64_t last) {
    return workers[*PlaceBatch(workers, PlacementRule::kRoundRobin, last)]
        .worker;
  };
  EXPECT_EQ(next(0), 2);
  EXPECT_EQ(next(2), 4);
  EXPECT_EQ(next(4), 7);
  EXPECT_EQ(next(7), 2);
}

TEST(PlacementTest, QueueDepthTakesTheLeastBurdened) {
  const WorkerView workers[] = {{.worker = 1, .runs = 4},
                                {.worker = 2, .runs = 1},
                                {.worker = 3, .runs = 1}};
  EXPECT_EQ(PlaceBatch(workers, PlacementRule::kQueueDepth, 0), 1u);
}

TEST(PlacementTest, RulesHaveNames) {
  for (const PlacementRule rule :
       {PlacementRule::kEarliestFinish, PlacementRule::kRoundRobin,
        PlacementRule::kQueueDepth}) {
    EXPECT_EQ(ParsePlacementRule(NameOf(rule)), rule);
  }
  EXPECT_FALSE(ParsePlacementRule("nearest").has_value());
}

TEST(PlacementTest, BatchesAreSplitOnlyWhereThatCostsNothing) {
  const auto linear = [](int n) { return 100.0 * n; };
  EXPECT_THAT(SplitOver(7, 3, linear, 0.05), ElementsAre(3, 2, 2));
  const auto flat = [](int n) { return 1'000.0 + n; };
  EXPECT_THAT(SplitOver(8, 4, flat, 0.05), ElementsAre(8));
  EXPECT_THAT(SplitOver(1, 4, linear, 0.05), ElementsAre(1));
}

}  // namespace
}  // namespace sheaf::batching
