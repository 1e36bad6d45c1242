#include "batching/continuous/choose.h"

#include "gtest/gtest.h"

namespace sheaf::batching {
namespace {

const absl::Time kNow = absl::FromUnixSeconds(1'000);

Head MakeHead(int rows, absl::Duration age = absl::ZeroDuration()) {
  Head head;
  head.rows = rows;
  head.rows_max = 8;
  head.oldest = kNow - age;
  head.ms = 1'000;
  head.one_ms = 900;
  head.more_ms = 1'050;
  head.arrivals_per_second = 10;
  return head;
}

WaitPolicy Adaptive() {
  return {.rule = WaitRule::kAdaptive,
          .batch_max = 8,
          .batch_min = 1,
          .wait_max = absl::Milliseconds(400),
          .wait_min = absl::Milliseconds(100),
          .adaptive_threshold = 4};
}

WaitPolicy Economic() {
  return {.rule = WaitRule::kEconomic,
          .batch_max = 8,
          .wait_max = absl::Seconds(2)};
}

TEST(ChooseTest, NothingWaitsNothingRuns) {
  const Choice choice = ChooseBatch({}, Adaptive(), {}, kNow);
  EXPECT_FALSE(choice.head.has_value());
  EXPECT_EQ(choice.wait_until, absl::InfiniteFuture());
}

TEST(ChooseTest, OffNeverWaits) {
  const Choice choice = ChooseBatch({{MakeHead(1)}}, {}, {.depth = 1}, kNow);
  EXPECT_EQ(choice.head, 0u);
}

TEST(ChooseTest, AFullBatchRunsAtOnce) {
  for (const WaitPolicy& policy : {Adaptive(), Economic()}) {
    EXPECT_EQ(ChooseBatch({{MakeHead(8)}}, policy, {.depth = 1}, kNow).head,
              0u);
  }
}

TEST(ChooseTest, NobodyHoldsTheDeviceWhileAnotherBatchIsFull) {
  const Head heads[] = {MakeHead(1, absl::Milliseconds(50)), MakeHead(8)};
  EXPECT_EQ(ChooseBatch(heads, Adaptive(), {.depth = 2}, kNow).head, 1u);
  Head low = heads[1];
  low.priority = Priority::kLow;
  const Choice choice =
      ChooseBatch({{heads[0], low}}, Adaptive(), {.depth = 2}, kNow);
  EXPECT_FALSE(choice.head.has_value());
}

TEST(ChooseTest, AdaptiveWaitsHalfAsLongAtTheThresholdAndLeastAtTwiceIt) {
  const Head head = MakeHead(2);
  const auto budget = [&](int64_t depth) {
    return WaitBudget(head, Adaptive(), {.depth = depth}, kNow);
  };
  EXPECT_EQ(budget(0), absl::Milliseconds(400));
  EXPECT_EQ(budget(4), absl::Milliseconds(250));
  EXPECT_EQ(budget(6), absl::Milliseconds(175));
  EXPECT_EQ(budget(8), absl::Milliseconds(100));
  EXPECT_EQ(budget(100), absl::Milliseconds(100));
}

TEST(ChooseTest, TheTimerStartsAtTheOldestArrival) {
  const absl::Duration age = absl::Milliseconds(150);
  const Choice waits =
      ChooseBatch({{MakeHead(2, age)}}, Adaptive(), {.depth = 2}, kNow);
  EXPECT_FALSE(waits.head.has_value());
  EXPECT_EQ(waits.wait_until, kNow - age + absl::Milliseconds(325));
  const Choice runs = ChooseBatch({{MakeHead(2, absl::Milliseconds(400))}},
                                  Adaptive(), {.depth = 2}, kNow);
  EXPECT_EQ(runs.head, 0u);
}

TEST(ChooseTest, AdaptiveWaitsFullyForItsSmallestBatch) {
  WaitPolicy policy = Adaptive();
  policy.batch_min = 3;
  EXPECT_EQ(WaitBudget(MakeHead(2), policy, {.depth = 100}, kNow),
            policy.wait_max);
  EXPECT_EQ(WaitBudget(MakeHead(3), policy, {.depth = 100}, kNow),
            policy.wait_min);
}

TEST(ChooseTest, ADeadlineCutsTheWaitShort) {
  Head head = MakeHead(2, absl::Milliseconds(50));
  head.start_by = kNow + absl::Milliseconds(20);
  EXPECT_EQ(WaitBudget(head, Adaptive(), {.depth = 1}, kNow),
            absl::Milliseconds(70));
  head.start_by = kNow - absl::Seconds(1);
  EXPECT_EQ(ChooseBatch({{head}}, Adaptive(), {.depth = 1}, kNow).head, 0u);
}

TEST(ChooseTest, EconomicWaitsNoLongerThanItMayHope) {
  Head head = MakeHead(2, absl::Milliseconds(50));
  ASSERT_GT(WaitBudget(head, Economic(), {.depth = 1}, kNow),
            absl::Milliseconds(70));
  head.expected_by = kNow + absl::Milliseconds(20);
  EXPECT_EQ(WaitBudget(head, Economic(), {.depth = 1}, kNow),
            absl::Milliseconds(70));
  head.expected_by = absl::InfinitePast();
  EXPECT_EQ(ChooseBatch({{head}}, Economic(), {.depth = 1}, kNow).head, 0u);
}

TEST(ChooseTest, EconomicWaitsOnlyWhereThatPays) {
  const Head head = MakeHead(2);
  // 10 a second save 850 ms each: 8.5 ms a ms, against 0.1 for each of two.
  EXPECT_EQ(SavedByOneMore(head), 850);
  EXPECT_EQ(WaitBudget(head, Economic(), {.depth = 1}, kNow),
            absl::Milliseconds(425));
  Head rare = head;
  rare.arrivals_per_second = 0.2;
  EXPECT_EQ(WaitBudget(rare, Economic(), {.depth = 1}, kNow),
            absl::ZeroDuration());
  Head flat = head;
  flat.more_ms = head.ms + head.one_ms;
  EXPECT_EQ(WaitBudget(flat, Economic(), {.depth = 1}, kNow),
            absl::ZeroDuration());
}

TEST(ChooseTest, EconomicNeverWaitsWhileTheDeviceIsBusyOrTheQueueDeep) {
  const Head head = MakeHead(2);
  EXPECT_EQ(WaitBudget(head, Economic(), {.idle = false, .depth = 1}, kNow),
            absl::ZeroDuration());
  EXPECT_EQ(WaitBudget(head, Economic(), {.depth = 8}, kNow),
            absl::ZeroDuration());
  EXPECT_GT(WaitBudget(head, Economic(), {.devices = 2, .depth = 8}, kNow),
            absl::ZeroDuration());
}

TEST(ChooseTest, PriorityComesFirstThenTheLoadedModelThenAge) {
  const WaitPolicy off;
  Head old = MakeHead(1, absl::Seconds(5));
  Head loaded = MakeHead(1, absl::Seconds(1));
  loaded.loaded = true;
  EXPECT_EQ(ChooseBatch({{old, loaded}}, off, {}, kNow).head, 1u);
  // But no head is passed over for ever.
  old.oldest = kNow - absl::Minutes(1);
  EXPECT_EQ(ChooseBatch({{old, loaded}}, off, {}, kNow).head, 0u);
  Head urgent = MakeHead(1);
  urgent.priority = Priority::kUrgent;
  EXPECT_EQ(ChooseBatch({{old, loaded, urgent}}, off, {}, kNow).head, 2u);
}

TEST(ChooseTest, RulesHaveNames) {
  for (const WaitRule rule :
       {WaitRule::kOff, WaitRule::kAdaptive, WaitRule::kEconomic}) {
    EXPECT_EQ(ParseWaitRule(NameOf(rule)), rule);
  }
  EXPECT_FALSE(ParseWaitRule("never").has_value());
}

}  // namespace
}  // namespace sheaf::batching
