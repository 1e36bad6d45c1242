// Cancelling runs, jobs, and all that match.
#include "queue/jobs.h"
#include "tests/queue/use_case_test.h"

namespace sheaf {
namespace {

using testing::ElementsAre;

class CancelTest : public UseCaseTest {
 protected:
  absl::StatusOr<CancelCounts> Cancel(JobId id, CancelOptions options = {}) {
    return Write([&](Tx& tx) { return CancelJob(tx, id, options); });
  }
  absl::StatusOr<CancelCounts> Cancel(RunId id, CancelOptions options = {}) {
    return Write([&](Tx& tx) { return CancelRun(tx, id, options); });
  }
  CancelPage CancelAll(const std::string& filter, std::optional<JobId> after,
                       CancelOptions options = {}, int runs_max = 1000) {
    return Write([&](Tx& tx) {
      return CancelMatching(tx, ParseFilter(filter).value(), after, options,
                            runs_max);
    });
  }
};
SHEAF_FOR_ALL_STORES(CancelTest);

TEST_P(CancelTest, WaitingRunsEndNow) {
  const Job job = Submit({.runs = Runs(3)});
  clock_.Advance(absl::Seconds(1));
  const CancelCounts counts = Cancel(job.id, {.reason = "why"}).value();
  EXPECT_EQ(counts.jobs, 1);
  EXPECT_EQ(counts.cancelled, 3);
  EXPECT_EQ(counts.stopping, 0);
  EXPECT_EQ(GetJob(job).counts, RunCounts{.cancelled = 3});
  EXPECT_EQ(GetJob(job).end_time, clock_.now());
  EXPECT_EQ(GetRun(job).end_time, clock_.now());
  EXPECT_EQ(GetQueue().queued, 0);
  EXPECT_FALSE(TryLease().leased);
  const Event event = LastEvent();
  EXPECT_EQ(event.type, EventType::kRunsChanged);
  EXPECT_EQ(event.job, job.id);
  EXPECT_EQ(event.reason, "why");
  EXPECT_THAT(event.ended, ElementsAre(JobEnd{job.id, JobState::kCancelled}));
}

TEST_P(CancelTest, RunningRunsAreMarkedOnce) {
  const Job job = Submit({.runs = Runs(2)});
  Lease();
  const CancelCounts counts = Cancel(job.id, {.reason = "why"}).value();
  EXPECT_EQ(counts.cancelled, 0);
  EXPECT_EQ(counts.stopping, 2);
  EXPECT_TRUE(GetRun(job).cancel_requested);
  EXPECT_EQ(GetRun(job).state, RunState::kRunning);
  EXPECT_EQ(LastEvent().type, EventType::kCancelRequested);
  EXPECT_EQ(LastEvent().reason, "why");
  const int64_t events = LastSequence();
  EXPECT_EQ(Cancel(job.id)->stopping, 2);
  EXPECT_EQ(LastSequence(), events);
}

TEST_P(CancelTest, ANeighbourInTheBatchGoesOn) {
  const Job job = Submit({.runs = Runs(3)});
  const Leased leased = Lease();
  EXPECT_EQ(Cancel(RunId(job.id, 1))->stopping, 1);
  EXPECT_FALSE(GetRun(job, 0).cancel_requested);
  EXPECT_TRUE(GetRun(job, 1).cancel_requested);
  ASSERT_TRUE(Finish(MakeReport(leased, StoppedAsOrdered{})).ok());
  EXPECT_EQ(GetJob(job).counts, (RunCounts{.queued = 2, .cancelled = 1}));
}

TEST_P(CancelTest, RunningRunsMayBeSpared) {
  const Job job = Submit({.runs = Runs(3)});
  Lease({.batch_size_max = 1});
  const CancelCounts counts = Cancel(job.id, {.keep_running = true}).value();
  EXPECT_EQ(counts.cancelled, 2);
  EXPECT_EQ(counts.stopping, 0);
  EXPECT_FALSE(GetRun(job).cancel_requested);
  EXPECT_THAT(Cancel(job.id, {.keep_running = true}),
              FailsWith(Reason::kJobAlreadyFinished));
  EXPECT_THAT(Cancel(RunId(job.id, 0), {.keep_running = true}),
              FailsWith(Reason::kJobAlreadyFinished));
}

TEST_P(CancelTest, ValidationCountsAndChangesNothing) {
  const Job job = Submit({.runs = Runs(3)});
  Lease({.batch_size_max = 1});
  const Job before = GetJob(job);
  const int64_t events = LastSequence();
  const CancelCounts counts = Cancel(job.id, {.validate_only = true}).value();
  EXPECT_EQ(counts.cancelled, 2);
  EXPECT_EQ(counts.stopping, 1);
  EXPECT_EQ(GetJob(job), before);
  EXPECT_FALSE(GetRun(job).cancel_requested);
  EXPECT_EQ(LastSequence(), events);
}

TEST_P(CancelTest, WhatHasEndedCannotBeCancelled) {
  const Job job = Submit({.runs = Runs(2)});
  ASSERT_TRUE(Cancel(RunId(job.id, 0)).ok());
  EXPECT_THAT(Cancel(RunId(job.id, 0)), FailsWith(Reason::kJobAlreadyFinished));
  ASSERT_TRUE(Cancel(job.id).ok());
  EXPECT_THAT(Cancel(job.id), FailsWith(Reason::kJobAlreadyFinished));
  EXPECT_THAT(Cancel(JobId{99}), FailsWith(Reason::kJobNotFound));
  EXPECT_THAT(Cancel(RunId(job.id, 9)), FailsWith(Reason::kRunNotFound));
}

TEST_P(CancelTest, FinishedRunsKeepTheirState) {
  const Job job = Submit({.runs = Runs(2)});
  const Leased leased = Lease({.batch_size_max = 1});
  ASSERT_TRUE(Finish(MakeReport(leased, Succeeded{})).ok());
  EXPECT_EQ(Cancel(job.id)->cancelled, 1);
  EXPECT_EQ(GetJob(job).counts, (RunCounts{.succeeded = 1, .cancelled = 1}));
  EXPECT_THAT(LastEvent().ended,
              ElementsAre(JobEnd{job.id, JobState::kCancelled}));
}

TEST_P(CancelTest, JobsOfManyPagesAreCancelledWhole) {
  const Job job = Submit({.runs = Runs(2500)});
  EXPECT_EQ(Cancel(job.id)->cancelled, 2500);
  EXPECT_EQ(GetJob(job).counts, RunCounts{.cancelled = 2500});
}

TEST_P(CancelTest, AllThatMatchIsCancelled) {
  const Job ann = Submit({.owner = "ann", .runs = Runs(2)});
  const Job bob = Submit({.owner = "bob"});
  const Job also = Submit({.owner = "ann"});
  const CancelPage page = CancelAll("owner = \"ann\"", std::nullopt);
  EXPECT_EQ(page.counts.jobs, 2);
  EXPECT_EQ(page.counts.cancelled, 3);
  EXPECT_FALSE(page.next);
  EXPECT_EQ(GetJob(ann).counts.cancelled, 2);
  EXPECT_EQ(GetJob(also).counts.cancelled, 1);
  EXPECT_EQ(GetJob(bob).counts.queued, 1);
}

TEST_P(CancelTest, EndedJobsThatMatchAreNotCounted) {
  const Job job = Submit();
  ASSERT_TRUE(Cancel(job.id).ok());
  EXPECT_EQ(CancelAll("", std::nullopt).counts.jobs, 0);
}

TEST_P(CancelTest, ManyAreCancelledInBoundedSteps) {
  for (int i = 0; i < 10; ++i) Submit({.runs = Runs(3)});
  std::optional<JobId> after;
  int calls = 0;
  int64_t cancelled = 0;
  do {
    const CancelPage page = CancelAll("", after, {}, /*runs_max=*/7);
    EXPECT_LE(page.counts.cancelled, 7 + 3);
    cancelled += page.counts.cancelled;
    after = page.next;
    ++calls;
  } while (after && calls < 100);
  EXPECT_EQ(cancelled, 30);
  EXPECT_GE(calls, 3);
  EXPECT_EQ(GetQueue().queued, 0);
}

TEST_P(CancelTest, ValidationByFilterCountsEachJobOnce) {
  for (int i = 0; i < 10; ++i) Submit({.runs = Runs(3)});
  std::optional<JobId> after;
  int64_t jobs = 0;
  do {
    const CancelPage page =
        CancelAll("", after, {.validate_only = true}, /*runs_max=*/7);
    jobs += page.counts.jobs;
    after = page.next;
  } while (after);
  EXPECT_EQ(jobs, 10);
  EXPECT_EQ(GetQueue().queued, 30);
}

}  // namespace
}  // namespace sheaf
