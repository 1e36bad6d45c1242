#include "inference/worker/session/stall_watch.h"

#include <gtest/gtest.h>

#include "tests/inference/worker/batches.h"

namespace sheaf::worker {
namespace {

absl::Time At(int seconds) {
  return absl::UnixEpoch() + absl::Seconds(seconds);
}

// A watch of a batch that begins at At(0), with a limit of ten seconds.
StallWatch Begun() {
  StallWatch watch(absl::Seconds(10));
  watch.Begin(MakeBatch(1, {{}, {}}), At(0));
  return watch;
}

TEST(StallWatchTest, ABatchWithoutProgressStallsOnce) {
  StallWatch watch = Begun();
  EXPECT_FALSE(watch.Stalls(0, At(9)));
  EXPECT_TRUE(watch.Stalls(0, At(10)));
  EXPECT_FALSE(watch.Stalls(0, At(11)));
  EXPECT_FALSE(watch.Stalls(0, At(99)));
}

TEST(StallWatchTest, AStepIsProgress) {
  StallWatch watch = Begun();
  watch.Stepped(At(9));
  EXPECT_FALSE(watch.Stalls(0, At(18)));
  EXPECT_TRUE(watch.Stalls(0, At(19)));
}

TEST(StallWatchTest, ABeatIsProgress) {
  StallWatch watch = Begun();
  EXPECT_FALSE(watch.Stalls(1, At(9)));
  EXPECT_FALSE(watch.Stalls(1, At(18)));
  EXPECT_FALSE(watch.Stalls(2, At(19)));
  EXPECT_TRUE(watch.Stalls(2, At(29)));
}

TEST(StallWatchTest, AnEngineThatHasEndedIsNotWatched) {
  StallWatch watch = Begun();
  watch.EngineEnded();
  EXPECT_FALSE(watch.Stalls(0, At(99)));
}

TEST(StallWatchTest, NothingIsWatchedBeforeTheFirstBatch) {
  StallWatch watch(absl::Seconds(10));
  EXPECT_FALSE(watch.Stalls(0, At(99)));
}

TEST(StallWatchTest, TheNextBatchHasItsOwnTime) {
  StallWatch watch = Begun();
  EXPECT_TRUE(watch.Stalls(0, At(10)));
  watch.Begin(MakeBatch(2, {{}}), At(20));
  EXPECT_FALSE(watch.Stalls(0, At(29)));
  EXPECT_TRUE(watch.Stalls(0, At(30)));
  EXPECT_EQ(watch.OutcomeOf(0).run(), "jobs/2/runs/0");
}

TEST(StallWatchTest, TheOutcomeOfAStallNamesRunSizeAndLimit) {
  v1::LeasedBatch batch = MakeBatch(1, {{}, {}});
  batch.mutable_runs(1)->set_attempt(3);
  batch.mutable_runs(1)->mutable_request()->set_width(512);
  batch.mutable_runs(1)->mutable_request()->set_height(768);
  StallWatch watch(absl::Seconds(10));
  watch.Begin(batch, At(0));
  EXPECT_EQ(watch.OutcomeOf(0).failure().message(),
            "stalled: a step did not end within 10s (the worker's "
            "--stall-timeout), and no other run was on the engine");
  const v1::RunOutcome& outcome = watch.OutcomeOf(1);
  EXPECT_EQ(outcome.run(), "jobs/1/runs/1");
  EXPECT_EQ(outcome.attempt(), 3);
  EXPECT_EQ(outcome.failure().error_class(), v1::ERROR_CLASS_ENGINE);
  EXPECT_EQ(outcome.failure().message(),
            "stalled: a step of 512x768 pixels did not end within 10s (the "
            "worker's --stall-timeout), and no other run was on the engine");
}

}  // namespace
}  // namespace sheaf::worker
