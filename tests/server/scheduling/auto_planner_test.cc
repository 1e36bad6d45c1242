#include "server/scheduling/auto_planner.h"

#include <string>

#include "absl/synchronization/notification.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "queue/queues.h"
#include "tests/batching/builders.h"
#include "tests/queue/builders.h"
#include "tests/queue/stores.h"

namespace sheaf::server {
namespace {

constexpr char kOther[] = "other";

class AutoPlannerTest : public ::testing::Test {
 protected:
  AutoPlannerTest() {
    Write(*store_, [](Tx& tx) {
      EnsureDefaultQueue(tx);
      return CreateQueue(tx, kOther, {}).ok();
    });
    QueuePatch patch;
    patch.Set(&QueueSettings::policy, BatchPolicy::kAuto);
    patch.Set(&QueueSettings::threshold, 2);
    EXPECT_TRUE(Write(*store_, [&](Tx& tx) {
                  return UpdateQueue(tx, kDefaultQueue, patch, 0);
                }).ok());
  }

  void Submit(int jobs, const std::string& queue = kDefaultQueue) {
    for (int i = 0; i < jobs; ++i) {
      const RunParams params{.prompt = "hut",
                             .seed = i,
                             .steps = 20,
                             .sampler = "euler",
                             .width = 512,
                             .height = 512,
                             .model = "m"};
      EXPECT_TRUE(Write(*store_, [&](Tx& tx) {
                    return sheaf::Submit(
                        tx, MakeJob({.queue = queue, .runs = {params}}));
                  }).ok());
    }
    Committed committed;
    committed.ready = {{.lane = {.queue = queue}, .runs = jobs, .added = jobs}};
    planner_.NoteCommit(committed);
  }
  // How many plans there are of the queue after one more tick.
  size_t PlansAfterTick() { return PlansAfterTick(planner_); }
  size_t PlansAfterTick(AutoPlanner& planner) {
    planner.Tick();
    // This question is answered after the one that Tick has asked.
    absl::Notification answered;
    plans_.Analyze({.queue = "elsewhere"},
                   [&](const auto&) { answered.Notify(); });
    answered.WaitForNotification();
    return Read(*store_,
                [](View& view) { return view.Plans(kDefaultQueue, {}, 10); })
        .size();
  }

  TestClock clock_;
  // It reads at once, on the calling thread: what Tick asks, it has asked when
  // Tick returns.
  std::unique_ptr<Store> store_ = NewMemoryStore(&clock_);
  PricesBoard prices_{batching::FastDevice()};
  MemoryBoard memory_;
  std::optional<batching::Turns> turns_;
  WorkerRegistry workers_;
  PlanService plans_{store_.get(), &prices_, &memory_, &workers_,
                     [this] { return turns_; }};
  AutoPlanner planner_{store_.get(), &plans_};
};

TEST_F(AutoPlannerTest, AQueueIsLookedAtOnceForEachNewJob) {
  Submit(1);
  EXPECT_EQ(PlansAfterTick(), 0u) << "too few wait";
  Submit(3);
  EXPECT_EQ(PlansAfterTick(), 1u);
  EXPECT_EQ(PlansAfterTick(), 1u) << "no job has come since";
  Submit(1);
  EXPECT_EQ(PlansAfterTick(), 2u);
}

TEST_F(AutoPlannerTest, JobsOfOtherQueuesAreNoReasonToLookAgain) {
  Submit(4);
  EXPECT_EQ(PlansAfterTick(), 1u);
  Submit(4, kOther);
  EXPECT_EQ(PlansAfterTick(), 1u);
}

TEST_F(AutoPlannerTest, WhatCameWhileNobodyLookedIsSeenAfterAStart) {
  Submit(4);
  AutoPlanner later(store_.get(), &plans_);
  EXPECT_EQ(PlansAfterTick(later), 1u);
  EXPECT_EQ(PlansAfterTick(), 2u) << "one by each";
}

TEST_F(AutoPlannerTest, RunsThatCameBackAreNoNewJobs) {
  Submit(4);
  EXPECT_EQ(PlansAfterTick(), 1u);
  Committed committed;
  committed.ready = {{.lane = {.queue = kDefaultQueue}, .runs = 2, .added = 0}};
  planner_.NoteCommit(committed);
  EXPECT_EQ(PlansAfterTick(), 1u);
}

}  // namespace
}  // namespace sheaf::server
