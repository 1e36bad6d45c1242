#include "cli/support/job_progress.h"

#include "gtest/gtest.h"

namespace sheaf::cli {
namespace {

constexpr int64_t kMiB = int64_t{1} << 20;
const absl::Time kNow = absl::FromUnixSeconds(1'800'000'000);

// A run at a step of 20 that should be done in so many seconds.
v1::Progress At(int step, int seconds_left) {
  v1::Progress progress;
  progress.set_step(step);
  progress.set_step_count(20);
  progress.mutable_eta()->set_seconds(1'800'000'000 + seconds_left);
  return progress;
}

v1::BatchProgress Holding(const std::string& name, int64_t bytes) {
  v1::BatchProgress batch;
  batch.set_name(name);
  batch.set_memory_bytes(bytes);
  return batch;
}

void Step(const std::string& run, const v1::Progress& progress,
          RunningRuns* running) {
  v1::WatchEventsResponse message;
  message.mutable_progress()->set_run(run);
  *message.mutable_progress()->mutable_progress() = progress;
  running->Take(message);
}

TEST(CountsTextTest, SuccessIsOfTheRunsThatSayAnything) {
  v1::Job job;
  job.set_run_count(8);
  EXPECT_EQ(CountsText(job), "0/8 runs ended");
  job.mutable_run_counts()->set_queued(1);
  job.mutable_run_counts()->set_running(2);
  job.mutable_run_counts()->set_succeeded(4);
  job.mutable_run_counts()->set_failed(1);
  job.set_success_ratio(0.8);
  EXPECT_EQ(CountsText(job),
            "5/8 runs ended, 80% succeeded, 2 running, 1 failed");
  EXPECT_EQ(EndedRuns(job), 5);
}

TEST(ProgressTextTest, ARunIsToldWithItsBatchAsFarAsItIsKnown) {
  v1::Progress progress = At(12, 5);
  EXPECT_EQ(ProgressText(progress, kNow), "step 12/20, ready in 5s");
  EXPECT_EQ(ProgressText(progress, kNow + absl::Seconds(9)), "step 12/20");
  progress.clear_eta();
  *progress.mutable_batch() = Holding("batches/7", 0);
  EXPECT_EQ(ProgressText(progress, kNow), "step 12/20");
  progress.mutable_batch()->set_running_run_count(3);
  progress.mutable_batch()->set_succeeded_run_count(4);
  progress.mutable_batch()->set_failed_run_count(1);
  progress.mutable_batch()->set_memory_bytes(3 * kMiB);
  EXPECT_EQ(ProgressText(progress, kNow),
            "step 12/20; its batch: 3 running, 4 succeeded, 1 failed, 3.0 MiB");
}

TEST(RunningRunsTest, TheLastRunTellsTheStepAndEachBatchItsMemoryOnce) {
  RunningRuns running;
  EXPECT_EQ(running.Text(kNow), "");
  v1::Progress fast = At(15, 5);
  *fast.mutable_batch() = Holding("batches/7", 3 * kMiB);
  v1::Progress slow = At(5, 40);
  *slow.mutable_batch() = Holding("batches/8", 2 * kMiB);
  Step("jobs/1/runs/0", fast, &running);
  Step("jobs/1/runs/1", fast, &running);
  EXPECT_EQ(running.Text(kNow), "step 15/20, ready in 5s, 3.0 MiB");
  Step("jobs/1/runs/2", slow, &running);
  EXPECT_EQ(running.Text(kNow), "step 5/20, ready in 40s, 5.0 MiB");
  EXPECT_DOUBLE_EQ(running.done(), 1.75);
}

TEST(RunningRunsTest, ARunThatAnEventNamesIsForgotten) {
  RunningRuns running;
  Step("jobs/1/runs/0", At(15, 5), &running);
  v1::WatchEventsResponse message;
  message.mutable_event()->add_runs()->set_run("jobs/1/runs/0");
  running.Take(message);
  EXPECT_EQ(running.Text(kNow), "");
  EXPECT_EQ(running.done(), 0);
}

TEST(RunningRunsTest, StepsWithoutACountTellNothing) {
  RunningRuns running;
  Step("jobs/1/runs/0", v1::Progress(), &running);
  EXPECT_EQ(running.Text(kNow), "");
}

}  // namespace
}  // namespace sheaf::cli
