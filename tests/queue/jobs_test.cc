// Finding, retrying, changing and deleting jobs; cancel_test.cc has the rest.
#include "queue/jobs.h"

#include "tests/queue/use_case_test.h"

namespace sheaf {
namespace {

using testing::HasSubstr;

class JobsTest : public UseCaseTest {
 protected:
  absl::StatusOr<int> Retry(JobId id) {
    return Write([&](Tx& tx) { return RetryJob(tx, id); });
  }
  absl::StatusOr<int> Retry(RunId id) {
    return Write([&](Tx& tx) { return RetryRun(tx, id); });
  }
  absl::StatusOr<Job> Update(JobId id, const JobPatch& patch) {
    return Write([&](Tx& tx) { return UpdateJob(tx, id, patch); });
  }
  absl::Status Delete(JobId id, int64_t version = 0) {
    return Write([&](Tx& tx) { return DeleteJob(tx, id, version); });
  }
  absl::Status Find(JobId id) {
    return Read([&](View& view) { return FindJobOrError(view, id).status(); });
  }
  std::optional<int64_t> Position(const Job& job) {
    return Read([&](View& view) { return PositionOf(view, GetJob(job)); });
  }
  Job SubmitAndFail() {
    const Job job = Submit();
    LeaseAndFinish(MakeError(ErrorClass::kBadInput));
    return job;
  }
};
SHEAF_FOR_ALL_STORES(JobsTest);

TEST_P(JobsTest, MissingJobIsToldFromOneThatWas) {
  const Job old = SubmitAndFail();
  ASSERT_TRUE(Delete(old.id).ok());
  EXPECT_THAT(Find(old.id), FailsWith(Reason::kJobNotFound));
  EXPECT_THAT(std::string(Find(old.id).message()), HasSubstr("was deleted"));
  EXPECT_THAT(Find(JobId{99}), FailsWith(Reason::kJobNotFound));
  EXPECT_THAT(std::string(Find(JobId{99}).message()),
              HasSubstr("there never was"));
  EXPECT_THAT(Find(JobId{0}), FailsWith(Reason::kJobNotFound));
}

TEST_P(JobsTest, MissingRunIsToldFromAMissingJob) {
  const Job job = Submit();
  const auto find = [&](RunId id) {
    return Read([&](View& view) { return FindRunOrError(view, id).status(); });
  };
  EXPECT_TRUE(find(RunId(job.id, 0)).ok());
  EXPECT_THAT(find(RunId(job.id, 1)), FailsWith(Reason::kRunNotFound));
  EXPECT_THAT(find(RunId(JobId{99}, 0)), FailsWith(Reason::kJobNotFound));
}

TEST_P(JobsTest, RetriedRunsGoBackInLineUnderTheirIds) {
  const Job job = Submit({.attempts_max = 2, .runs = Runs(3)});
  FinishReport report = MakeReport(Lease(), MakeError(ErrorClass::kBadInput));
  report.outcomes[1].outcome = Succeeded{};
  ASSERT_TRUE(Finish(report).ok());
  clock_.Advance(absl::Hours(1));
  EXPECT_EQ(Retry(job.id).value(), 2);
  EXPECT_EQ(GetJob(job).counts, (RunCounts{.queued = 2, .succeeded = 1}));
  EXPECT_EQ(GetJob(job).end_time, absl::InfiniteFuture());
  EXPECT_EQ(GetQueue().queued, 2);
  const Run run = GetRun(job, 2);
  EXPECT_EQ(run.state, RunState::kQueued);
  EXPECT_EQ(run.failures, 0);
  EXPECT_EQ(run.run_time, clock_.now());
  EXPECT_EQ(run.end_time, absl::InfinitePast());
  const auto attempts = GetAttempts(run.id);
  ASSERT_EQ(attempts.size(), 1u);
  EXPECT_EQ(attempts[0].outcome, RunState::kFailed);
  EXPECT_EQ(attempts[0].error->error_class, ErrorClass::kBadInput);
  EXPECT_EQ(Lease().runs.at(0).run.attempt, 2);
}

TEST_P(JobsTest, OneRunMayBeRetriedAlone) {
  const Job job = Submit({.runs = Runs(2)});
  LeaseAndFinish(MakeError(ErrorClass::kBadInput));
  EXPECT_EQ(Retry(RunId(job.id, 1)).value(), 1);
  EXPECT_EQ(GetRun(job, 0).state, RunState::kFailed);
  EXPECT_EQ(GetRun(job, 1).state, RunState::kQueued);
}

TEST_P(JobsTest, CancelledRunThatNeverStartedMayBeRetried) {
  const Job job = Submit();
  ASSERT_TRUE(Write([&](Tx& tx) { return CancelJob(tx, job.id, {}); }).ok());
  EXPECT_EQ(Retry(job.id).value(), 1);
  EXPECT_TRUE(GetAttempts(RunId(job.id, 0)).empty());
  EXPECT_EQ(Lease().runs.at(0).run.attempt, 1);
}

TEST_P(JobsTest, RunCancelledBetweenTwoTriesMayBeRetried) {
  const Job job = Submit();
  LeaseAndFinish(MakeError(ErrorClass::kTransient));
  for (int i = 0; i < 2; ++i) {
    ASSERT_TRUE(Write([&](Tx& tx) { return CancelJob(tx, job.id, {}); }).ok());
    EXPECT_EQ(Retry(job.id).value(), 1);
    EXPECT_EQ(GetAttempts(RunId(job.id, 0)).size(), 1u)
        << "an attempt is kept once";
  }
}

TEST_P(JobsTest, RetriedRunHasFreshAttempts) {
  const Job job = Submit({.attempts_max = 1});
  LeaseAndFinish(MakeError(ErrorClass::kTransient));
  ASSERT_TRUE(Retry(job.id).ok());
  LeaseAndFinish(MakeError(ErrorClass::kTransient));
  EXPECT_EQ(GetRun(job).state, RunState::kFailed);
  EXPECT_EQ(GetRun(job).attempt, 2);
}

TEST_P(JobsTest, RetriedRunHasNoDeadlineAnyMore) {
  const Job job = Submit({.start_deadline = clock_.now() + absl::Seconds(10)});
  clock_.Advance(absl::Minutes(1));
  EXPECT_FALSE(TryLease().leased);
  ASSERT_TRUE(Retry(job.id).ok());
  ASSERT_TRUE(Update(job.id, {.priority = Priority::kHigh}).ok());
  EXPECT_TRUE(TryLease().leased)
      << "a change of priority brought the old deadline back";
}

TEST_P(JobsTest, NothingToRetryIsSaid) {
  const Job job = Submit();
  EXPECT_THAT(Retry(job.id), FailsWith(Reason::kNothingToRetry));
  LeaseAndFinish(Succeeded{});
  EXPECT_THAT(Retry(job.id), FailsWith(Reason::kNothingToRetry));
  EXPECT_THAT(Retry(RunId(job.id, 0)), FailsWith(Reason::kNothingToRetry));
  EXPECT_THAT(Retry(RunId(job.id, 1)), FailsWith(Reason::kRunNotFound));
  EXPECT_THAT(Retry(JobId{99}), FailsWith(Reason::kJobNotFound));
}

TEST_P(JobsTest, RetryNeedsRoomInAQueueThatTakesWork) {
  const Job job = SubmitAndFail();
  Configure({.runs_max = 1});
  Submit();
  EXPECT_THAT(Retry(job.id), FailsWith(Reason::kQueueFull));
  Configure(PatchOf(&QueueSettings::runs_max, 0));
  ASSERT_TRUE(
      Write([](Tx& tx) { return DrainQueue(tx, kDefaultQueue, "", ""); }).ok());
  EXPECT_THAT(Retry(job.id), FailsWith(Reason::kQueueDraining));
  EXPECT_EQ(GetRun(job).state, RunState::kFailed);
}

TEST_P(JobsTest, WaitingRunsFollowTheirJobsChanges) {
  const Job job = Submit({.runs = Runs(2)});
  Lease({.batch_size_max = 1});
  const Run running = GetRun(job, 0);
  const Queue before = GetQueue();
  const absl::Time later = clock_.now() + absl::Hours(1);
  const Job changed = Update(job.id, {.priority = Priority::kUrgent,
                                      .run_time = later,
                                      .start_deadline = later + absl::Hours(1)})
                          .value();
  EXPECT_EQ(changed, GetJob(job));
  EXPECT_EQ(changed.version, GetJob(job).version);
  const Run waiting = GetRun(job, 1);
  EXPECT_EQ(waiting.priority, Priority::kUrgent);
  EXPECT_EQ(waiting.run_time, later);
  EXPECT_EQ(waiting.start_deadline, later + absl::Hours(1));
  EXPECT_EQ(GetRun(job, 0), running);
  EXPECT_EQ(GetQueue().revision, before.revision + 1);
}

TEST_P(JobsTest, LabelsMayChangeAtAnyTime) {
  const Job job = SubmitAndFail();
  const Queue before = GetQueue();
  const JobPatch patch{.labels = {{{"team", "art"}}}};
  const Job changed = Update(job.id, patch).value();
  EXPECT_EQ(changed.labels.at("team"), "art");
  EXPECT_EQ(changed, GetJob(job));
  EXPECT_EQ(GetQueue(), before) << "what waits has not changed";
  EXPECT_EQ(LastEvent().type, EventType::kJobUpdated);
  EXPECT_EQ(LastEvent().job, job.id);
}

TEST_P(JobsTest, OnlyJobsThatWaitCanBeMoved) {
  const Job job = Submit();
  Lease();
  EXPECT_THAT(Update(job.id, {.priority = Priority::kHigh}),
              FailsWith(Reason::kJobNotWaiting));
  EXPECT_THAT(Update(job.id, {.run_time = clock_.now()}),
              FailsWith(Reason::kJobNotWaiting));
  EXPECT_EQ(GetJob(job).priority, Priority::kNormal);
}

TEST_P(JobsTest, ChangeOfAnotherVersionIsRefused) {
  const Job job = Submit();
  const Job changed =
      Update(job.id, {.version = 1, .priority = Priority::kHigh}).value();
  EXPECT_EQ(changed.version, 2);
  const auto refused =
      Update(job.id, {.version = 1, .priority = Priority::kLow});
  EXPECT_THAT(refused, FailsWith(Reason::kEtagMismatch));
  EXPECT_EQ(MetadataOf(refused.status()).at("currentEtag"), "2");
  EXPECT_TRUE(Update(job.id, {.version = 2}).ok());
}

TEST_P(JobsTest, TimeInThePastMeansNow) {
  const Job job = Submit({.run_time = clock_.now() + absl::Hours(1)});
  Update(job.id, {.run_time = clock_.now() - absl::Hours(1)}).value();
  EXPECT_EQ(GetRun(job).run_time, clock_.now());
  EXPECT_TRUE(TryLease().leased);
}

TEST_P(JobsTest, DeadlineMustLieInTheFuture) {
  const Job job = Submit();
  const auto refused = Update(job.id, {.start_deadline = clock_.now()});
  EXPECT_THAT(refused, FailsWith(Reason::kInvalidField));
  EXPECT_EQ(GetRun(job).start_deadline, absl::InfiniteFuture());
}

TEST_P(JobsTest, DeadlineMustLieAfterTheRunTime) {
  const absl::Time deadline = clock_.now() + absl::Hours(1);
  const Job job = Submit({.start_deadline = deadline});
  EXPECT_THAT(Update(job.id, {.run_time = deadline}),
              FailsWith(Reason::kInvalidField));
  EXPECT_EQ(GetRun(job).run_time, clock_.now());
  Update(job.id, {.run_time = deadline - absl::Seconds(1)}).value();
  EXPECT_THAT(Update(job.id, {.start_deadline = deadline - absl::Minutes(1)}),
              FailsWith(Reason::kInvalidField));
  EXPECT_EQ(GetRun(job).start_deadline, deadline);
}

TEST_P(JobsTest, EndedJobIsDeletedWithItsRuns) {
  const Job job = SubmitAndFail();
  ASSERT_TRUE(Delete(job.id).ok());
  EXPECT_THAT(Find(job.id), FailsWith(Reason::kJobNotFound));
  EXPECT_FALSE(Read([&](View& v) { return v.FindRun(RunId(job.id, 0)); }));
  EXPECT_EQ(LastEvent().type, EventType::kJobDeleted);
  EXPECT_EQ(LastEvent().job, job.id);
  EXPECT_THAT(Delete(job.id), FailsWith(Reason::kJobNotFound));
}

TEST_P(JobsTest, LivingJobIsNotDeleted) {
  const Job job = Submit();
  EXPECT_THAT(Delete(job.id), FailsWith(Reason::kJobNotFinished));
  Lease();
  EXPECT_THAT(Delete(job.id), FailsWith(Reason::kJobNotFinished));
}

TEST_P(JobsTest, DeletionMayBeBoundToAVersion) {
  const Job job = SubmitAndFail();
  const int64_t version = GetJob(job).version;
  EXPECT_THAT(Delete(job.id, version - 1), FailsWith(Reason::kEtagMismatch));
  EXPECT_TRUE(Delete(job.id, version).ok());
}

TEST_P(JobsTest, PositionCountsAllThatGoBefore) {
  NewJob other{.runs = Runs(2)};
  other.shared.model = "m";
  const Job first = Submit({.runs = Runs(3)});
  const Job lane = Submit(other);
  const Job last = Submit();
  const Job urgent = Submit({.priority = Priority::kUrgent});
  EXPECT_EQ(Position(urgent), 0);
  EXPECT_EQ(Position(first), 1);
  EXPECT_EQ(Position(lane), 4);
  EXPECT_EQ(Position(last), 6);
  Lease();
  EXPECT_EQ(Position(urgent), std::nullopt);
  EXPECT_EQ(Position(last), 5);
}

TEST_P(JobsTest, PositionIsThatOfTheRunThatGoesFirst) {
  const Job job = Submit({.runs = Runs(2)});
  const Leased leased = Lease({.batch_size_max = 1});
  // Run 0 now waits for its next try, behind run 1.
  const Outcome fault = MakeError(ErrorClass::kTransient);
  ASSERT_TRUE(Finish(MakeReport(leased, fault)).ok());
  Submit();
  EXPECT_GT(GetRun(job, 0).run_time, clock_.now());
  EXPECT_EQ(Position(job), 0);
}

TEST_P(JobsTest, OtherQueuesDoNotCountForThePosition) {
  ASSERT_TRUE(Write([](Tx& tx) {
                return CreateQueue(tx, "night", QueueSettings{});
              }).ok());
  Submit({.queue = "night"});
  EXPECT_EQ(Position(Submit()), 0);
}

}  // namespace
}  // namespace sheaf
