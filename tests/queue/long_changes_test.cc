// Cancels, retries and purges that take many transactions.
#include "queue/long_changes.h"

#include "queue/run_changes.h"
#include "tests/queue/use_case_test.h"

namespace sheaf {
namespace {

class LongChangesTest : public UseCaseTest {
 protected:
  // Makes the whole change and answers it; the number of its transactions is in
  // `calls_`.
  template <class Change>
  absl::StatusOr<Change> Do(Change change) {
    calls_ = 0;
    while (change.next() != NextCall::kDone) {
      ++calls_;
      absl::Status status;
      if constexpr (requires(View & view) { change.Look(view); }) {
        if (change.next() == NextCall::kLook) {
          status = Read([&](View& view) { return change.Look(view); });
          if (!status.ok()) return status;
          continue;
        }
      }
      status = Write([&](Tx& tx) { return change.Change(tx); });
      if (!status.ok()) return status;
    }
    return change;
  }
  absl::StatusOr<CancelChange> Cancel(CancelChange::Target target,
                                      bool rehearsal = false,
                                      CancelOptions options = {}) {
    return Do(CancelChange(std::move(target), std::move(options), rehearsal));
  }
  absl::StatusOr<CancelChange> CancelAll(const std::string& filter,
                                         bool rehearsal = false) {
    return Cancel(std::make_shared<const FilterExpr>(*ParseFilter(filter)),
                  rehearsal);
  }
  RunState StateOf(const Job& job, int run) { return GetRun(job, run).state; }

  int calls_ = 0;
};
SHEAF_FOR_ALL_STORES(LongChangesTest);

TEST_P(LongChangesTest, ALargeJobIsCancelledInSlices) {
  const Job job = Submit({.runs = Runs(2 * kRunsPerSlice + 1)});
  const auto cancel = Cancel(job.id);
  ASSERT_TRUE(cancel.ok()) << cancel.status();
  EXPECT_EQ(cancel->counts().jobs, 1);
  EXPECT_EQ(cancel->counts().cancelled, 2 * kRunsPerSlice + 1);
  EXPECT_FALSE(cancel->stops_runs());
  EXPECT_EQ(calls_, 3);
  EXPECT_EQ(GetJob(job).counts.queued, 0);
}

TEST_P(LongChangesTest, ARunIsCancelledAloneAndItsWorkerMustHearOfIt) {
  const Job job = Submit({.runs = Runs(2)});
  Lease();
  const auto cancel = Cancel(RunId(job.id, 1));
  ASSERT_TRUE(cancel.ok()) << cancel.status();
  EXPECT_EQ(cancel->counts().stopping, 1);
  EXPECT_TRUE(cancel->stops_runs());
  EXPECT_FALSE(GetRun(job, 0).cancel_requested);
  EXPECT_TRUE(GetRun(job, 1).cancel_requested);
}

TEST_P(LongChangesTest, ARehearsalCountsAndChangesNothing) {
  const Job job = Submit({.runs = Runs(3)});
  const int64_t events = LastSequence();
  EXPECT_EQ(Cancel(job.id, true)->counts().cancelled, 3);
  EXPECT_EQ(Cancel(RunId(job.id, 0), true)->counts().cancelled, 1);
  EXPECT_EQ(CancelAll("queue = \"default\"", true)->counts().cancelled, 3);
  EXPECT_EQ(Do(PurgeChange("default", "ann", true))->count(), 3);
  EXPECT_EQ(LastSequence(), events);
  EXPECT_EQ(GetJob(job).counts.queued, 3);
}

TEST_P(LongChangesTest, AFilterCancelsThoseThatMatchOnAllPages) {
  std::vector<Job> jobs;
  for (int i = 0; i < 502; ++i) {
    jobs.push_back(Submit({.owner = i % 2 == 0 ? "ann" : "bob"}));
  }
  const auto rehearsal = CancelAll("owner = \"ann\"", true);
  EXPECT_EQ(rehearsal->counts().jobs, 251);
  const auto cancel = CancelAll("owner = \"ann\"");
  ASSERT_TRUE(cancel.ok()) << cancel.status();
  EXPECT_EQ(cancel->counts().jobs, 251);
  EXPECT_EQ(cancel->counts().cancelled, 251);
  EXPECT_TRUE(cancel->scans());
  for (int i = 0; i < 502; ++i) {
    EXPECT_EQ(StateOf(jobs[i], 0),
              i % 2 == 0 ? RunState::kCancelled : RunState::kQueued);
  }
}

TEST_P(LongChangesTest, AJobThatNoLongerMatchesIsSpared) {
  const Job job = Submit({.labels = {{"keep", "no"}}});
  CancelChange change(
      std::make_shared<const FilterExpr>(*ParseFilter("labels.keep = \"no\"")),
      {}, false);
  ASSERT_TRUE(Read([&](View& view) { return change.Look(view); }).ok());
  ASSERT_EQ(change.next(), NextCall::kChange);
  ASSERT_TRUE(Write([&](Tx& tx) {
                return UpdateJob(tx, job.id, {.labels = {{{"keep", "yes"}}}});
              }).ok());
  const auto done = Do(change);
  ASSERT_TRUE(done.ok()) << done.status();
  EXPECT_EQ(done->counts().jobs, 0);
  EXPECT_EQ(StateOf(job, 0), RunState::kQueued);
}

// The store may run a closure again; the same value then gives the same end.
TEST_P(LongChangesTest, ASliceThatIsUndoneIsDoneAgainFromTheValueBefore) {
  const Job job = Submit({.runs = Runs(kRunsPerSlice + 5)});
  const CancelChange before(job.id, {}, false);
  CancelChange after = before;
  EXPECT_FALSE(Write([&](Tx& tx) -> absl::Status {
                 EXPECT_TRUE(after.Change(tx).ok());
                 return absl::AbortedError("as if the commit had failed");
               }).ok());
  after = before;
  const auto done = Do(after);
  ASSERT_TRUE(done.ok()) << done.status();
  EXPECT_EQ(done->counts().cancelled, kRunsPerSlice + 5);
}

TEST_P(LongChangesTest, WhatHasEndedOrIsNotThereIsRefused) {
  const Job job = Submit();
  ASSERT_TRUE(Cancel(job.id).ok());
  EXPECT_THAT(Cancel(job.id), FailsWith(Reason::kJobAlreadyFinished));
  EXPECT_THAT(Cancel(JobId{99}), FailsWith(Reason::kJobNotFound));
  EXPECT_THAT(Cancel(RunId(job.id, 7)), FailsWith(Reason::kRunNotFound));
  EXPECT_THAT(Do(RetryChange(JobId{99})), FailsWith(Reason::kJobNotFound));
  EXPECT_THAT(Do(PurgeChange("no-such", "ann", false)),
              FailsWith(Reason::kQueueNotFound));
}

TEST_P(LongChangesTest, ALargeJobIsRetriedInSlices) {
  const Job job = Submit({.runs = Runs(kRunsPerSlice + 1)});
  ASSERT_TRUE(Cancel(job.id).ok());
  const auto retry = Do(RetryChange(job.id));
  ASSERT_TRUE(retry.ok()) << retry.status();
  EXPECT_EQ(retry->count(), kRunsPerSlice + 1);
  EXPECT_EQ(retry->job().counts.queued, kRunsPerSlice + 1);
  EXPECT_EQ(calls_, 2);
  EXPECT_THAT(Do(RetryChange(job.id)), FailsWith(Reason::kNothingToRetry));
}

TEST_P(LongChangesTest, ARunIsRetriedAlone) {
  const Job job = Submit({.runs = Runs(2)});
  ASSERT_TRUE(Cancel(job.id).ok());
  const auto retry = Do(RetryChange(RunId(job.id, 1)));
  ASSERT_TRUE(retry.ok()) << retry.status();
  EXPECT_EQ(retry->count(), 1);
  EXPECT_EQ(retry->job().id, job.id);
  EXPECT_EQ(StateOf(job, 0), RunState::kCancelled);
  EXPECT_EQ(StateOf(job, 1), RunState::kQueued);
}

TEST_P(LongChangesTest, APurgeEndsAllThatWaits) {
  Submit({.runs = Runs(kRunsPerSlice)});
  Submit({.runs = Runs(3)});
  const auto purge = Do(PurgeChange("default", "ann", false));
  ASSERT_TRUE(purge.ok()) << purge.status();
  EXPECT_EQ(purge->count(), kRunsPerSlice + 3);
  EXPECT_EQ(GetQueue().queued, 0);
}

}  // namespace
}  // namespace sheaf
