#include "queue/leasing/finish.h"

#include "tests/queue/use_case_test.h"

namespace sheaf {
namespace {

using testing::ElementsAre;

class FinishTest : public UseCaseTest {
 protected:
  static Succeeded Picture(const std::string& digest) {
    return {{{digest, "0.png", "image/png"}}};
  }
  // Copies of the report, each with another forged claim.
  static std::vector<FinishReport> Forged(const FinishReport& report) {
    std::vector<FinishReport> forged(6, report);
    --forged[0].claim.epoch;
    forged[1].claim.batch = BatchId{99};
    forged[2].claim.worker = WorkerId{2};
    forged[3].claim.secret = "another's secret";
    forged[4].claim.secret.pop_back();
    forged[5].claim.secret.clear();
    return forged;
  }
};
SHEAF_FOR_ALL_STORES(FinishTest);

TEST_P(FinishTest, SuccessIsRecordedWithItsOutputs) {
  Upload("aa");
  const Job job = Submit();
  const Leased leased = Lease();
  clock_.Advance(absl::Seconds(9));
  EXPECT_THAT(Finish(MakeReport(leased, Picture("aa"))).value(),
              ElementsAre(RunState::kSucceeded));
  const Run run = GetRun(job);
  EXPECT_EQ(run.state, RunState::kSucceeded);
  EXPECT_EQ(run.outputs, Picture("aa").outputs);
  EXPECT_EQ(run.end_time, clock_.now());
  EXPECT_FALSE(run.error);
  EXPECT_TRUE(Read([](View& view) { return view.IsReferenced("aa"); }));
}

TEST_P(FinishTest, LastRunEndsItsJobAndItsBatch) {
  const Job job = Submit({.runs = Runs(2)});
  const Leased leased = Lease();
  FinishReport report = MakeReport(leased, Succeeded{});
  const RunOutcome second = report.outcomes.back();
  report.outcomes.pop_back();
  ASSERT_TRUE(Finish(report).ok());
  EXPECT_EQ(GetJob(job).end_time, absl::InfiniteFuture());
  EXPECT_THAT(Read([&](View& v) { return v.FindBatch(leased.batch.id)->runs; }),
              ElementsAre(RunId(job.id, 1)));
  EXPECT_TRUE(LastEvent().ended.empty());

  report.outcomes = {second};
  clock_.Advance(absl::Seconds(1));
  ASSERT_TRUE(Finish(report).ok());
  EXPECT_EQ(GetJob(job).counts, RunCounts{.succeeded = 2});
  EXPECT_EQ(GetJob(job).end_time, clock_.now());
  EXPECT_FALSE(Read([&](View& v) { return v.FindBatch(leased.batch.id); }));
  const Event event = LastEvent();
  EXPECT_EQ(event.type, EventType::kRunsChanged);
  EXPECT_EQ(event.batch, leased.batch.id);
  EXPECT_THAT(event.ended, ElementsAre(JobEnd{job.id, JobState::kSucceeded}));
  EXPECT_EQ(GetQueue().running, 0);
}

TEST_P(FinishTest, EachRunHasAnOutcomeOfItsOwn) {
  Configure({.batch_size = 4});
  const Job job = Submit({.runs = Runs(4)});
  FinishReport report = MakeReport(Lease(), Succeeded{});
  report.outcomes[1].outcome = MakeError(ErrorClass::kBadInput);
  report.outcomes[2].outcome = MakeError(ErrorClass::kTransient);
  report.outcomes[3].outcome = HandedBack{};
  EXPECT_THAT(Finish(report).value(),
              ElementsAre(RunState::kSucceeded, RunState::kFailed,
                          RunState::kQueued, RunState::kQueued));
  EXPECT_EQ(GetJob(job).counts,
            (RunCounts{.queued = 2, .succeeded = 1, .failed = 1}));
}

TEST_P(FinishTest, TransientFailureIsTriedAgainLater) {
  const Job job = Submit();
  LeaseAndFinish(MakeError(ErrorClass::kTransient));
  const Run run = GetRun(job);
  EXPECT_EQ(run.state, RunState::kQueued);
  EXPECT_EQ(run.failures, 1);
  EXPECT_GT(run.run_time, clock_.now());
  EXPECT_EQ(run.error, MakeError(ErrorClass::kTransient));
  EXPECT_FALSE(TryLease().leased);
  EXPECT_EQ(TryLease().next_time, run.run_time);
  clock_.Set(run.run_time);
  EXPECT_EQ(Lease().runs.at(0).run.attempt, 2);
  EXPECT_EQ(GetAttempts(run.id).size(), 1u);
}

TEST_P(FinishTest, RunFailsForGoodAfterItsLastAttempt) {
  const Job job = Submit({.attempts_max = 2});
  for (int i = 0; i < 2; ++i) {
    clock_.Advance(absl::Minutes(10));
    LeaseAndFinish(MakeError(ErrorClass::kTransient));
  }
  EXPECT_EQ(GetRun(job).state, RunState::kFailed);
  EXPECT_EQ(GetRun(job).attempt, 2);
  EXPECT_EQ(GetAttempts(RunId(job.id, 0)).size(), 1u)
      << "the present attempt is in the run";
  EXPECT_THAT(LastEvent().ended,
              ElementsAre(JobEnd{job.id, JobState::kFailed}));
}

TEST_P(FinishTest, BadInputIsNeverTriedAgain) {
  const Job job = Submit({.attempts_max = 9});
  LeaseAndFinish(MakeError(ErrorClass::kBadInput));
  EXPECT_EQ(GetRun(job).state, RunState::kFailed);
  EXPECT_EQ(LastEvent().runs.at(0).error_class, ErrorClass::kBadInput);
}

TEST_P(FinishTest, RunThatRanOutOfMemoryGoesAlone) {
  const Job job = Submit({.runs = Runs(2)});
  LeaseAndFinish(MakeError(ErrorClass::kOutOfMemory));
  EXPECT_TRUE(GetRun(job).alone);
  clock_.Advance(absl::Minutes(5));
  EXPECT_EQ(Lease().runs.size(), 1u);
}

TEST_P(FinishTest, HandingBackSpendsNoAttempt) {
  const Job job = Submit({.attempts_max = 1});
  for (int i = 0; i < 5; ++i) LeaseAndFinish(HandedBack{});
  const Run run = GetRun(job);
  EXPECT_EQ(run.state, RunState::kQueued);
  EXPECT_EQ(run.failures, 0);
  EXPECT_EQ(run.attempt, 5);
  EXPECT_EQ(run.run_time, job.run_time);
  EXPECT_EQ(GetAttempts(run.id).size(), 5u);
}

TEST_P(FinishTest, StoppedAsOrderedIsCancelled) {
  const Job job = Submit();
  const Leased leased = Lease();
  ASSERT_TRUE(Write([&](Tx& tx) { return CancelJob(tx, job.id, {}); }).ok());
  EXPECT_THAT(Finish(MakeReport(leased, StoppedAsOrdered{})).value(),
              ElementsAre(RunState::kCancelled));
  EXPECT_THAT(LastEvent().ended,
              ElementsAre(JobEnd{job.id, JobState::kCancelled}));
}

TEST_P(FinishTest, StoppedWithoutAnOrderIsHandedBack) {
  Submit();
  EXPECT_THAT(Finish(MakeReport(Lease(), StoppedAsOrdered{})).value(),
              ElementsAre(RunState::kQueued));
}

TEST_P(FinishTest, CancelMarkTurnsFailureAndHandBackIntoCancelled) {
  for (const Outcome& outcome :
       {Outcome(MakeError(ErrorClass::kTransient)), Outcome(HandedBack{})}) {
    const Job job = Submit();
    const Leased leased = Lease();
    ASSERT_TRUE(Write([&](Tx& tx) { return CancelJob(tx, job.id, {}); }).ok());
    ASSERT_TRUE(Finish(MakeReport(leased, outcome)).ok());
    EXPECT_EQ(GetRun(job).state, RunState::kCancelled);
  }
}

TEST_P(FinishTest, SuccessThatCameBeforeTheStopStands) {
  const Job job = Submit();
  const Leased leased = Lease();
  ASSERT_TRUE(Write([&](Tx& tx) { return CancelJob(tx, job.id, {}); }).ok());
  ASSERT_TRUE(Finish(MakeReport(leased, Succeeded{})).ok());
  EXPECT_EQ(GetRun(job).state, RunState::kSucceeded);
}

TEST_P(FinishTest, ReportSaidTwiceChangesNothingTheSecondTime) {
  for (const Outcome& outcome :
       {Outcome(Succeeded{}), Outcome(MakeError(ErrorClass::kBadInput)),
        Outcome(MakeError(ErrorClass::kTransient)), Outcome(HandedBack{})}) {
    const Job job = Submit();
    const FinishReport report = MakeReport(Lease(), outcome);
    const auto first = Finish(report).value();
    const Run run = GetRun(job);
    const int64_t events = LastSequence();
    clock_.Advance(absl::Milliseconds(10));
    EXPECT_EQ(Finish(report).value(), first);
    EXPECT_EQ(GetRun(job), run);
    EXPECT_EQ(LastSequence(), events);
    if (run.state == RunState::kQueued) {
      ASSERT_TRUE(
          Write([&](Tx& tx) { return CancelJob(tx, job.id, {}); }).ok());
    }
  }
}

TEST_P(FinishTest, SecondReportMayFinishWhatTheFirstLeftOut) {
  Submit({.runs = Runs(2)});
  FinishReport report = MakeReport(Lease(), Succeeded{});
  FinishReport first = report;
  first.outcomes.pop_back();
  ASSERT_TRUE(Finish(first).ok());
  EXPECT_THAT(Finish(report).value(),
              ElementsAre(RunState::kSucceeded, RunState::kSucceeded));
}

TEST_P(FinishTest, ReportThatDoesNotShowItsHoldChangesNothing) {
  const Job job = Submit();
  const FinishReport report = MakeReport(Lease(), Succeeded{});
  for (const FinishReport& other : Forged(report)) {
    EXPECT_THAT(Finish(other), FailsWith(Reason::kLeaseLost));
  }
  FinishReport next = report;
  next.outcomes[0].attempt = 2;
  const auto refused = Finish(next);
  EXPECT_THAT(refused, FailsWith(Reason::kLeaseLost));
  EXPECT_EQ(MetadataOf(refused.status()).at("currentAttempt"), "1");
  EXPECT_EQ(GetRun(job).state, RunState::kRunning);
}

// A worker whose answer was lost may repeat its report; no other caller learns
// from the same words what became of the run.
TEST_P(FinishTest, OnlyItsOwnWorkerIsAnsweredOnceTheLeaseIsGone) {
  Submit();
  const FinishReport report = MakeReport(Lease(), Succeeded{});
  ASSERT_TRUE(Finish(report).ok());
  ASSERT_FALSE(Read([&](View& v) { return v.FindBatch(report.claim.batch); }));
  for (const FinishReport& other : Forged(report)) {
    EXPECT_THAT(Finish(other), FailsWith(Reason::kLeaseLost));
  }
  EXPECT_THAT(Finish(report).value(), ElementsAre(RunState::kSucceeded));
}

TEST_P(FinishTest, ALeaseWithoutASecretIsHeldByNobody) {
  const Job job = Submit();
  Leased leased = Lease();
  Write([&](Tx& tx) {
    leased.batch.secret.clear();
    tx.SaveBatch(leased.batch);
  });
  const auto refused = Finish(MakeReport(leased, Succeeded{}));
  EXPECT_THAT(refused, FailsWith(Reason::kLeaseLost));
  EXPECT_THAT(std::string(refused.status().message()),
              testing::HasSubstr("update"));
  EXPECT_EQ(GetRun(job).state, RunState::kRunning);
}

TEST_P(FinishTest, ARunOfAnotherBatchIsNotThisOnes) {
  const Job mine = Submit(), other = Submit();
  const FinishReport first = MakeReport(Lease(), Succeeded{});
  FinishReport report = MakeReport(Lease({.id = WorkerId{2}}), Succeeded{});
  report.outcomes.push_back(first.outcomes[0]);
  EXPECT_THAT(Finish(report), FailsWith(Reason::kLeaseLost));
  EXPECT_EQ(GetRun(mine).state, RunState::kRunning);
  EXPECT_EQ(GetRun(other).state, RunState::kRunning);
}

TEST_P(FinishTest, SuccessOfAnExpiredLeaseIsLost) {
  const Job job = Submit();
  const Leased leased = Lease();
  clock_.Advance(kLease);
  Write([](Tx& tx) { ExpireLeases(tx); });
  EXPECT_THAT(Finish(MakeReport(leased, Succeeded{})),
              FailsWith(Reason::kLeaseLost));
  EXPECT_EQ(GetRun(job).state, RunState::kQueued);
}

TEST_P(FinishTest, LateReportCannotTouchTheNextAttempt) {
  const Job job = Submit();
  const Leased first = Lease();
  clock_.Advance(kLease);
  Write([](Tx& tx) { ExpireLeases(tx); });
  clock_.Advance(absl::Minutes(1));
  const Leased second = Lease();
  EXPECT_THAT(Finish(MakeReport(first, MakeError(ErrorClass::kBadInput))),
              FailsWith(Reason::kLeaseLost));
  EXPECT_EQ(GetRun(job).state, RunState::kRunning);
  EXPECT_TRUE(Finish(MakeReport(second, Succeeded{})).ok());
}

TEST_P(FinishTest, OneBadOutcomeAndNoneIsWritten) {
  const Job job = Submit({.runs = Runs(2)});
  FinishReport report = MakeReport(Lease(), Succeeded{});
  report.outcomes[1].outcome = Picture("missing");
  EXPECT_THAT(Finish(report), FailsWith(Reason::kArtifactNotFound));
  EXPECT_EQ(GetJob(job).counts, RunCounts{.running = 2});

  report.outcomes = {{RunId(job.id, 0), 1, Succeeded{}},
                     {RunId(job.id, 0), 1, Succeeded{}}};
  const auto twice = Finish(report);
  EXPECT_THAT(twice, FailsWith(Reason::kInvalidField));
  EXPECT_EQ(ViolationsOf(twice.status())[0].field, "outcomes[1].run");

  report.outcomes[1].run = RunId(job.id, 7);
  EXPECT_THAT(Finish(report), FailsWith(Reason::kRunNotFound));
  EXPECT_EQ(GetJob(job).counts, RunCounts{.running = 2});
}

TEST_P(FinishTest, RetentionFollowsTheFinalState) {
  Configure({.keep_succeeded = absl::Hours(1),
             .keep_failed = absl::Hours(2),
             .keep_cancelled = absl::Hours(3)});
  const Job good = Submit();
  LeaseAndFinish(Succeeded{});
  const Job bad = Submit();
  LeaseAndFinish(MakeError(ErrorClass::kBadInput));
  const Job off = Submit();
  ASSERT_TRUE(Write([&](Tx& tx) { return CancelJob(tx, off.id, {}); }).ok());
  EXPECT_EQ(GetJob(good).expire_time, clock_.now() + absl::Hours(1));
  EXPECT_EQ(GetJob(bad).expire_time, clock_.now() + absl::Hours(2));
  EXPECT_EQ(GetJob(off).expire_time, clock_.now() + absl::Hours(3));
}

}  // namespace
}  // namespace sheaf
