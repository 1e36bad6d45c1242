#include "queue/leasing/lease.h"

#include "tests/queue/use_case_test.h"

namespace sheaf {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class LeaseTest : public UseCaseTest {
 protected:
  // The indices, or the jobs, of the leased runs.
  static std::vector<int> Indices(const Leased& leased) {
    std::vector<int> indices;
    for (const LeasedRun& member : leased.runs) {
      indices.push_back(member.run.id.index());
    }
    return indices;
  }
  static JobId JobOf(const Leased& leased) {
    return leased.runs.at(0).run.id.job();
  }
  HeartbeatReply Heartbeat(const Leased& leased) {
    return Write([&](Tx& tx) {
      return sheaf::Heartbeat(tx, ClaimOf(leased.batch), kLease);
    });
  }
};
SHEAF_FOR_ALL_STORES(LeaseTest);

TEST_P(LeaseTest, NothingWaitsNothingIsLeased) {
  const LeaseResult result = TryLease();
  EXPECT_FALSE(result.leased);
  EXPECT_EQ(result.next_time, absl::InfiniteFuture());
}

TEST_P(LeaseTest, LeasedRunsAreRunningInABatch) {
  NewJob spec{.runs = Runs(2)};
  spec.shared.steps = 20;
  const Job job = Submit(spec);
  clock_.Advance(absl::Seconds(5));
  const Leased leased = Lease({.id = WorkerId{3}, .name = "gpu-0"});
  EXPECT_EQ(leased.kind, "inference");
  EXPECT_EQ(leased.batch.queue, "default");
  EXPECT_EQ(leased.batch.worker, WorkerId{3});
  EXPECT_EQ(leased.batch.worker_name, "gpu-0");
  EXPECT_EQ(leased.batch.start_time, clock_.now());
  EXPECT_EQ(leased.batch.lease_expire_time, clock_.now() + kLease);
  EXPECT_THAT(leased.batch.runs,
              ElementsAre(RunId(job.id, 0), RunId(job.id, 1)));
  EXPECT_EQ(Read([&](View& v) { return v.FindBatch(leased.batch.id); }),
            leased.batch);
  for (const LeasedRun& member : leased.runs) {
    EXPECT_EQ(member.run, GetRun(member.run.id));
    EXPECT_EQ(member.run.state, RunState::kRunning);
    EXPECT_EQ(member.run.attempt, 1);
    EXPECT_EQ(member.run.batch, leased.batch.id);
    EXPECT_EQ(member.run.epoch, leased.batch.epoch);
    EXPECT_EQ(member.run.worker, "gpu-0");
    EXPECT_EQ(member.run.start_time, clock_.now());
    EXPECT_EQ(member.params.steps, 20);
    EXPECT_EQ(member.params.prompt,
              "hut number " + std::to_string(member.run.id.index()));
  }
  EXPECT_EQ(GetJob(job).counts, RunCounts{.running = 2});
  EXPECT_EQ(GetJob(job).start_time, clock_.now());
  EXPECT_EQ(GetQueue().queued, 0);
  EXPECT_EQ(GetQueue().running, 2);
  const Event event = LastEvent();
  EXPECT_EQ(event.type, EventType::kRunsStarted);
  EXPECT_EQ(event.batch, leased.batch.id);
  EXPECT_EQ(event.worker, "gpu-0");
  EXPECT_EQ(event.runs.size(), 2u);
}

TEST_P(LeaseTest, EachLeaseHasAnEpochOfItsOwn) {
  Submit();
  Submit();
  const int64_t first = Lease().batch.epoch;
  EXPECT_LT(first, Lease().batch.epoch);
}

TEST_P(LeaseTest, HigherPriorityGoesFirst) {
  std::vector<JobId> jobs;
  for (Priority priority : {Priority::kLow, Priority::kUrgent,
                            Priority::kNormal, Priority::kHigh}) {
    jobs.push_back(Submit({.priority = priority}).id);
  }
  for (int i : {1, 3, 2, 0}) EXPECT_EQ(JobOf(Lease()), jobs[i]);
}

TEST_P(LeaseTest, PriorityDecidesAcrossLanes) {
  NewJob other{.priority = Priority::kHigh};
  other.shared.model = "m";
  Submit();
  const Job high = Submit(other);
  EXPECT_EQ(JobOf(Lease()), high.id);
}

TEST_P(LeaseTest, EarlierGoesFirstWithinAPriority) {
  const Job first = Submit();
  clock_.Advance(absl::Milliseconds(1));
  const Job second = Submit();
  EXPECT_EQ(JobOf(Lease()), first.id);
  EXPECT_EQ(JobOf(Lease()), second.id);
}

TEST_P(LeaseTest, ScheduledRunIsNotDueBeforeItsTime) {
  const Job job = Submit({.priority = Priority::kUrgent,
                          .run_time = clock_.now() + absl::Minutes(1)});
  const LeaseResult result = TryLease();
  EXPECT_FALSE(result.leased);
  EXPECT_EQ(result.next_time, clock_.now() + absl::Minutes(1));
  const Job now = Submit({.priority = Priority::kLow});
  EXPECT_EQ(JobOf(Lease()), now.id);
  clock_.Advance(absl::Minutes(1));
  EXPECT_EQ(JobOf(Lease()), job.id);
}

TEST_P(LeaseTest, BatchIsOfOneJobUpToTheQueuesSize) {
  Configure({.batch_size = 3});
  const Job first = Submit({.runs = Runs(5)});
  const Job second = Submit({.runs = Runs(2)});
  const Leased one = Lease(), two = Lease(), three = Lease();
  EXPECT_EQ(JobOf(one), first.id);
  EXPECT_THAT(Indices(one), ElementsAre(0, 1, 2));
  EXPECT_THAT(Indices(two), ElementsAre(3, 4));
  EXPECT_EQ(JobOf(three), second.id);
  EXPECT_THAT(Indices(three), ElementsAre(0, 1));
}

TEST_P(LeaseTest, BatchIsOfOneLane) {
  NewJob spec{.runs = Runs(4)};
  spec.runs[1].width = 512;
  Submit(spec);
  EXPECT_THAT(Indices(Lease()), ElementsAre(0, 2, 3));
  EXPECT_THAT(Indices(Lease()), ElementsAre(1));
}

TEST_P(LeaseTest, BatchIsNoLargerThanTheWorkerTakes) {
  Submit({.runs = Runs(4)});
  EXPECT_THAT(Indices(Lease({.batch_size_max = 1})), ElementsAre(0));
  EXPECT_THAT(Indices(Lease({.batch_size_max = 2})), ElementsAre(1, 2));
}

TEST_P(LeaseTest, OtherKindsGoOneByOne) {
  Submit({.kind = "upscale", .runs = Runs(2)});
  EXPECT_THAT(Indices(Lease()), ElementsAre(0));
  Submit({.kind = "batch_inference", .runs = Runs(2)});
  EXPECT_THAT(Indices(Lease()), ElementsAre(1));
  EXPECT_THAT(Indices(Lease()), ElementsAre(0, 1));
}

TEST_P(LeaseTest, WorkerGetsOnlyWhatItServes) {
  ASSERT_TRUE(Write([](Tx& tx) {
                return CreateQueue(tx, "night", QueueSettings{});
              }).ok());
  NewJob spec{.queue = "night", .kind = "upscale"};
  spec.shared.model = "m";
  const Job job = Submit(spec);
  EXPECT_FALSE(TryLease({.queues = {"default"}}).leased);
  EXPECT_FALSE(TryLease({.kinds = {"inference"}}).leased);
  EXPECT_FALSE(TryLease({.models = {"other"}}).leased);
  EXPECT_EQ(JobOf(Lease({.queues = {"default", "night"},
                         .kinds = {"*"},
                         .models = {"other", "m"}})),
            job.id);
}

TEST_P(LeaseTest, WorkerGetsNoPictureLargerThanItMakes) {
  NewJob spec{.runs = Runs(3)};
  spec.runs[0].width = 1024;
  spec.runs[0].height = 1025;
  spec.runs[1].width = 1024;
  spec.runs[1].height = 1024;
  Submit(spec);
  const int64_t most = 1024 * 1024;
  EXPECT_THAT(Indices(Lease({.pixels_max = most})), ElementsAre(1));
  EXPECT_THAT(Indices(Lease({.pixels_max = most})), ElementsAre(2));
  EXPECT_FALSE(TryLease({.pixels_max = most}).leased);
  EXPECT_THAT(Indices(Lease()), ElementsAre(0));
}

TEST_P(LeaseTest, RunThatNamesNoModelIsForEveryWorker) {
  Submit();
  EXPECT_TRUE(TryLease({.models = {"m"}}).leased);
}

TEST_P(LeaseTest, PausedQueueNeverDispatches) {
  Submit();
  ASSERT_TRUE(
      Write([](Tx& tx) { return PauseQueue(tx, kDefaultQueue, {}); }).ok());
  const LeaseResult result = TryLease();
  EXPECT_FALSE(result.leased);
  EXPECT_EQ(result.next_time, absl::InfiniteFuture());
}

TEST_P(LeaseTest, PauseEndsByItselfWhenItsTimeComes) {
  Submit();
  const absl::Time end = clock_.now() + absl::Minutes(1);
  ASSERT_TRUE(Write([&](Tx& tx) {
                return PauseQueue(tx, kDefaultQueue, {.resume_time = end});
              }).ok());
  EXPECT_EQ(TryLease().next_time, end);
  clock_.Advance(absl::Minutes(1));
  EXPECT_TRUE(TryLease().leased);
  EXPECT_EQ(GetQueue().state, QueueState::kActive);
}

TEST_P(LeaseTest, DrainingQueueStillDispatches) {
  Submit();
  ASSERT_TRUE(
      Write([](Tx& tx) { return DrainQueue(tx, kDefaultQueue, "", ""); }).ok());
  EXPECT_TRUE(TryLease().leased);
}

TEST_P(LeaseTest, RunPastItsDeadlineFailsInsteadOfStarting) {
  const Job late = Submit({.start_deadline = clock_.now() + absl::Seconds(10)});
  const Job next = Submit();
  clock_.Advance(absl::Seconds(10));
  EXPECT_EQ(JobOf(Lease()), next.id);
  const Run run = GetRun(late);
  EXPECT_EQ(run.state, RunState::kFailed);
  EXPECT_EQ(run.error->error_class, ErrorClass::kDeadline);
  EXPECT_EQ(run.end_time, clock_.now());
}

TEST_P(LeaseTest, LateRunsFailWhileNobodyAsks) {
  for (int i = 0; i < 3; ++i) {
    Submit({.start_deadline = clock_.now() + absl::Seconds(10)});
  }
  Write([](Tx& tx) { return Maintain(tx, {}); });
  EXPECT_EQ(GetQueue().queued, 3);
  clock_.Advance(absl::Seconds(10));
  EXPECT_TRUE(Write([](Tx& tx) { return Maintain(tx, {.step = 2}); }));
  EXPECT_EQ(GetQueue().queued, 1);
  EXPECT_FALSE(Write([](Tx& tx) { return Maintain(tx, {.step = 2}); }));
  EXPECT_EQ(GetQueue().queued, 0);
}

TEST_P(LeaseTest, HeartbeatRenewsALeaseThatIsHalfUsedUp) {
  Submit();
  const Leased leased = Lease();
  const absl::Time first = leased.batch.lease_expire_time;
  clock_.Advance(kLease / 3);
  EXPECT_EQ(Heartbeat(leased).lease_expire_time, first);
  clock_.Advance(kLease / 3);
  EXPECT_EQ(Heartbeat(leased).lease_expire_time, clock_.now() + kLease);
  clock_.Advance(kLease - absl::Milliseconds(1));
  EXPECT_FALSE(TryLease().leased) << "the lease has been renewed";
}

TEST_P(LeaseTest, HeartbeatOfAnotherEpochLearnsThatItLost) {
  Submit();
  Leased leased = Lease();
  --leased.batch.epoch;
  EXPECT_TRUE(Heartbeat(leased).lost);
  ++leased.batch.epoch;
  leased.batch.secret = "another's secret";
  EXPECT_TRUE(Heartbeat(leased).lost);
  leased.batch.secret = kSecret;
  EXPECT_FALSE(Heartbeat(leased).lost);
  leased.batch.id = BatchId{99};
  EXPECT_TRUE(Heartbeat(leased).lost);
}

TEST_P(LeaseTest, HeartbeatLearnsWhatIsToBeCancelled) {
  const Job job = Submit({.runs = Runs(3)});
  const Leased leased = Lease();
  EXPECT_THAT(Heartbeat(leased).cancel, IsEmpty());
  ASSERT_TRUE(
      Write([&](Tx& tx) { return CancelRun(tx, RunId(job.id, 1), {}); }).ok());
  const HeartbeatReply orders = Heartbeat(leased);
  EXPECT_THAT(orders.cancel, ElementsAre(RunId(job.id, 1)));
  EXPECT_THAT(orders.release, IsEmpty());
  EXPECT_FALSE(orders.lost);
}

TEST_P(LeaseTest, PauseAtTheNextStepTellsTheWorkerToHandBack) {
  const Job job = Submit({.runs = Runs(2)});
  const Leased leased = Lease();
  const auto pause = [&](PauseMode mode) {
    ASSERT_TRUE(Write([&](Tx& tx) {
                  return PauseQueue(tx, kDefaultQueue, {.mode = mode});
                }).ok());
  };
  pause(PauseMode::kAfterBatch);
  EXPECT_THAT(Heartbeat(leased).release, IsEmpty());
  pause(PauseMode::kNextStep);
  EXPECT_THAT(Heartbeat(leased).release,
              ElementsAre(RunId(job.id, 0), RunId(job.id, 1)));
}

TEST_P(LeaseTest, ExpiredLeaseIsGivenToNextWorker) {
  const Job job = Submit();
  const Leased first = Lease({.id = WorkerId{1}});
  clock_.Advance(kLease);
  EXPECT_FALSE(TryLease().leased) << "it backs off first";
  const Run back = GetRun(job);
  EXPECT_EQ(back.state, RunState::kQueued);
  EXPECT_EQ(back.error->error_class, ErrorClass::kWorkerDied);
  EXPECT_EQ(back.failures, 1);
  EXPECT_EQ(back.crashes, 1);
  EXPECT_TRUE(back.alone);
  clock_.Set(back.run_time);
  const Leased second = Lease({.id = WorkerId{2}});
  EXPECT_EQ(JobOf(second), job.id);
  EXPECT_EQ(second.runs[0].run.attempt, 2);
  EXPECT_FALSE(second.runs[0].run.error);
  EXPECT_TRUE(Heartbeat(first).lost);
  const auto attempts = GetAttempts(RunId(job.id, 0));
  ASSERT_EQ(attempts.size(), 1u);
  EXPECT_EQ(attempts[0].outcome, RunState::kFailed);
  EXPECT_EQ(attempts[0].batch, first.batch.id);
  EXPECT_EQ(attempts[0].epoch, first.batch.epoch);
}

TEST_P(LeaseTest, LeaseLastsUntilItsTimeAndNoLonger) {
  Submit();
  const Leased leased = Lease();
  clock_.Advance(kLease - absl::Milliseconds(1));
  Write([](Tx& tx) { ExpireLeases(tx); });
  EXPECT_FALSE(Heartbeat(leased).lost);
  clock_.Advance(kLease);
  Write([](Tx& tx) { ExpireLeases(tx); });
  EXPECT_TRUE(Heartbeat(leased).lost);
}

TEST_P(LeaseTest, RunThatKillsItsWorkersIsQuarantined) {
  const Job job = Submit({.attempts_max = 100});
  for (int i = 0; i < 3; ++i) {
    clock_.Advance(absl::Minutes(5));
    Lease();
    clock_.Advance(kLease);
    Write([](Tx& tx) { ExpireLeases(tx); });
  }
  EXPECT_EQ(GetRun(job).state, RunState::kFailed);
  EXPECT_EQ(GetRun(job).error->error_class, ErrorClass::kCrashLoop);
  EXPECT_EQ(GetJob(job).counts, RunCounts{.failed = 1});
}

TEST_P(LeaseTest, RunWhoseWorkerDiedGoesAlone) {
  Submit({.runs = Runs(3)});
  Lease();
  clock_.Advance(kLease);
  Write([](Tx& tx) { ExpireLeases(tx); });
  clock_.Advance(absl::Minutes(5));
  for (int i = 0; i < 3; ++i) EXPECT_EQ(Lease().runs.size(), 1u);
}

TEST_P(LeaseTest, RunMarkedForCancelIsCancelledWhenItsLeaseExpires) {
  const Job job = Submit();
  Lease();
  ASSERT_TRUE(Write([&](Tx& tx) { return CancelJob(tx, job.id, {}); }).ok());
  clock_.Advance(kLease);
  Write([](Tx& tx) { ExpireLeases(tx); });
  EXPECT_EQ(GetRun(job).state, RunState::kCancelled);
}

TEST_P(LeaseTest, ReleasedRunsGoBackToTheirPlaceWithoutFault) {
  const Job job = Submit({.runs = Runs(2)});
  const Leased leased = Lease();
  clock_.Advance(absl::Seconds(1));
  Submit();
  const auto released =
      Write([&](Tx& tx) { return ReleaseLease(tx, ClaimOf(leased.batch)); });
  EXPECT_EQ(released.value(), 2);
  const Run run = GetRun(job);
  EXPECT_EQ(run.state, RunState::kQueued);
  EXPECT_EQ(run.failures, 0);
  EXPECT_FALSE(run.alone);
  EXPECT_EQ(run.run_time, job.run_time);
  EXPECT_EQ(GetAttempts(run.id).at(0).outcome, RunState::kQueued);
  EXPECT_EQ(JobOf(Lease()), job.id);
}

TEST_P(LeaseTest, ReleaseOfALostLeaseIsRefused) {
  Submit();
  const Leased leased = Lease();
  EXPECT_THAT(Write([&](Tx& tx) {
                LeaseClaim claim = ClaimOf(leased.batch);
                ++claim.epoch;
                return ReleaseLease(tx, claim);
              }),
              FailsWith(Reason::kLeaseLost));
  EXPECT_EQ(GetQueue().running, 1);
}

TEST_P(LeaseTest, WorkerThatLeavesHandsBackAllItHolds) {
  const Job mine = Submit(), also_mine = Submit(), other = Submit();
  Lease({.id = WorkerId{1}});
  Lease({.id = WorkerId{1}});
  Lease({.id = WorkerId{2}});
  Write([](Tx& tx) { EndLeasesOf(tx, WorkerId{1}, LeaseEnd::kHandedBack); });
  EXPECT_EQ(GetRun(mine).state, RunState::kQueued);
  EXPECT_EQ(GetRun(mine).failures, 0);
  EXPECT_EQ(GetRun(also_mine).state, RunState::kQueued);
  EXPECT_EQ(GetRun(other).state, RunState::kRunning);
}

TEST_P(LeaseTest, DeathOfAWorkerCountsAsAFailure) {
  const Job job = Submit();
  Lease({.id = WorkerId{1}});
  Write([](Tx& tx) { EndLeasesOf(tx, WorkerId{1}, LeaseEnd::kDied); });
  EXPECT_EQ(GetRun(job).state, RunState::kQueued);
  EXPECT_EQ(GetRun(job).failures, 1);
  EXPECT_EQ(GetRun(job).crashes, 1);
}

TEST_P(LeaseTest, BatchIsNoLargerThanAWorkerCanRead) {
  Configure({.batch_size = 256});
  RunParams large;
  large.prompt = std::string(60'000, 'p');
  Submit({.runs = std::vector<RunParams>(100, large)});
  const Leased leased = Lease();
  EXPECT_GT(leased.runs.size(), 40u);
  EXPECT_LT(leased.runs.size(), 60u);
  EXPECT_EQ(GetQueue().running, static_cast<int64_t>(leased.runs.size()));
}

TEST_P(LeaseTest, RenewedLeasesHaveTheirFullTimeAgain) {
  Submit();
  const Leased leased = Lease();
  clock_.Advance(absl::Hours(5));
  Write([](Tx& tx) { RenewLeases(tx, kLease); });
  Write([](Tx& tx) { ExpireLeases(tx); });
  EXPECT_FALSE(Heartbeat(leased).lost);
}

TEST_P(LeaseTest, BatchesHaveTheTimeOfTheirQueueAgainAfterAStep) {
  Configure({.run_duration_max = absl::Minutes(10)});
  const Job job = Submit();
  Lease();
  Write([](Tx& tx) { RenewLeases(tx, kLease, absl::Hours(5)); });
  clock_.Advance(absl::Hours(5));
  Write([](Tx& tx) { Maintain(tx, Maintenance()); });
  EXPECT_EQ(GetRun(job).state, RunState::kRunning);
}

}  // namespace
}  // namespace sheaf
