// Cancelling runs, jobs, and all jobs that match a filter.
#include "queue/jobs.h"
#include "queue/run_changes.h"
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
  CancelSlice CancelIf(JobId id, const std::string& filter) {
    return Write([&](Tx& tx) {
             const FilterExpr expr = ParseFilter(filter).value();
             return CancelSome(tx, id, std::nullopt, {}, &expr);
           })
        .value();
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
  const auto would = [&](auto id, bool keep_running = false) {
    return Read([&](View& v) { return WouldCancel(v, id, keep_running); });
  };
  EXPECT_EQ(would(job.id)->jobs, 1);
  EXPECT_EQ(would(job.id)->cancelled, 2);
  EXPECT_EQ(would(job.id)->stopping, 1);
  EXPECT_EQ(would(job.id, /*keep_running=*/true)->stopping, 0);
  EXPECT_EQ(would(RunId(job.id, 0))->stopping, 1);
  EXPECT_EQ(would(RunId(job.id, 1))->cancelled, 1);
  EXPECT_THAT(would(RunId(job.id, 0), /*keep_running=*/true),
              FailsWith(Reason::kJobAlreadyFinished));
  EXPECT_THAT(would(JobId{99}), FailsWith(Reason::kJobNotFound));
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

TEST_P(CancelTest, JobIsCancelledSliceBySlice) {
  const Job job = Submit({.runs = Runs(7)});
  Lease({.batch_size_max = 2});
  std::optional<RunId> from;
  std::vector<int64_t> cancelled;
  CancelCounts all;
  do {
    const CancelSlice slice =
        Write([&](Tx& tx) {
          return CancelSome(tx, job.id, from, {}, nullptr, /*limit=*/3);
        }).value();
    all.cancelled += slice.counts.cancelled;
    all.stopping += slice.counts.stopping;
    cancelled.push_back(slice.counts.cancelled);
    from = slice.next;
  } while (from);
  EXPECT_THAT(cancelled, ElementsAre(1, 3, 1));
  EXPECT_EQ(all.cancelled, 5);
  EXPECT_EQ(all.stopping, 2);
  EXPECT_EQ(GetJob(job).counts, (RunCounts{.running = 2, .cancelled = 5}));
}

TEST_P(CancelTest, OnlyAJobThatStillMatchesIsCancelled) {
  const Job ann = Submit({.owner = "ann", .runs = Runs(2)});
  const Job bob = Submit({.owner = "bob"});
  EXPECT_EQ(CancelIf(ann.id, "owner = \"ann\"").counts.cancelled, 2);
  EXPECT_EQ(CancelIf(bob.id, "owner = \"ann\"").counts.jobs, 0);
  EXPECT_EQ(CancelIf(JobId{99}, "").counts.jobs, 0);
  EXPECT_EQ(CancelIf(ann.id, "").counts.jobs, 0) << "it has ended";
  EXPECT_EQ(GetJob(bob).counts.queued, 1);
}

TEST_P(CancelTest, EventNamesSoManyRunsAndNotOneMore) {
  constexpr int kRuns = 2 * static_cast<int>(kRunsPerEventMax) + 1;
  const Job job = Submit({.runs = Runs(kRuns)});
  const int64_t before = LastSequence();
  Write([&](Tx& tx) {
    RunChanges changes(tx, "default");
    for (Run& run :
         tx.Runs({RunId(job.id, 0), RunId(job.id, kRuns), ~0u, kRuns})) {
      changes.Move(run, RunState::kCancelled);
    }
    changes.Commit({.type = EventType::kRunsChanged, .job = job.id});
  });
  const std::vector<Event> events =
      Read([&](View& view) { return view.Events(before, 99); });
  ASSERT_EQ(events.size(), 3u);
  EXPECT_EQ(events[0].runs.size(), kRunsPerEventMax);
  EXPECT_EQ(events[1].runs.size(), kRunsPerEventMax);
  EXPECT_EQ(events[2].runs.size(), 1u);
  EXPECT_TRUE(events[1].ended.empty());
  EXPECT_THAT(events[2].ended,
              ElementsAre(JobEnd{job.id, JobState::kCancelled}));
  for (const Event& event : events) EXPECT_EQ(event.job, job.id);
}

}  // namespace
}  // namespace sheaf
