// Which runs may join an active batch between two steps.
#include "queue/leasing/finish.h"
#include "tests/queue/plan_case.h"
#include "tests/queue/puppet.h"

namespace sheaf {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

class LeaseBesideTest : public PlanCase {
 protected:
  LeaseBesideTest() {
    Configure({.batch_size = 4, .policy = BatchPolicy::kAdaptive});
    puppet_.take = 100;
  }
  LeaseResult Try(Lessee worker = {}) {
    return Write([&](Tx& tx) {
      return sheaf::Lease(tx, MakeWorker(std::move(worker)), kLease, &puppet_);
    });
  }
  // Leases a batch of one run; Joining asks beside it from then on.
  Leased Hold(NewJob job = {}) {
    Submit(std::move(job));
    const LeaseResult result = Try();
    EXPECT_TRUE(result.leased.has_value());
    const Leased held = result.leased.value_or(Leased());
    beside_ = {.beside = held.batch.id,
               .row_count = static_cast<int>(held.runs.size())};
    return held;
  }
  std::vector<RunId> Joining() {
    puppet_.take = static_cast<size_t>(4 - beside_.row_count);
    const LeaseResult result = Try(beside_);
    EXPECT_FALSE(result.lost);
    std::vector<RunId> runs;
    if (!result.leased) return runs;
    for (const LeasedRun& run : result.leased->runs) runs.push_back(run.run.id);
    return runs;
  }
  RunId First(const Job& job) { return RunId(job.id, 0); }

  Puppet puppet_;
  Lessee beside_;
};
SHEAF_FOR_ALL_STORES(LeaseBesideTest);

TEST_P(LeaseBesideTest, RunsOfOtherJobsJoinAsABatchOfTheirOwn) {
  const Leased held = Hold();
  EXPECT_THAT(Joining(), IsEmpty());
  const Job a = Submit(), b = Submit();
  EXPECT_THAT(Joining(), ElementsAre(First(a), First(b)));
  const Run joined = GetRun(a);
  EXPECT_EQ(joined.state, RunState::kRunning);
  EXPECT_NE(joined.batch, held.batch.id);
  EXPECT_NE(joined.epoch, held.batch.epoch);
  ASSERT_TRUE(Finish(MakeReport(held, Succeeded{})).ok());
  EXPECT_EQ(GetRun(a).state, RunState::kRunning);
}

TEST_P(LeaseBesideTest, NoMoreJoinThanThereIsRoomFor) {
  Hold();
  std::vector<Job> jobs;
  for (int i = 0; i < 5; ++i) jobs.push_back(Submit());
  beside_.row_count = 2;
  EXPECT_THAT(Joining(), ElementsAre(First(jobs[0]), First(jobs[1])));
  beside_.row_count = 4;
  EXPECT_THAT(Joining(), IsEmpty());
}

TEST_P(LeaseBesideTest, WorkersAndDevicesLimitsCountTheRowsAtHand) {
  Hold();
  Submit();
  beside_.batch_size_max = 1;
  EXPECT_THAT(Joining(), IsEmpty());
  beside_.batch_size_max = 0;
  puppet_.rows_max = 1;
  EXPECT_THAT(Joining(), IsEmpty());
  puppet_.rows_max = 2;
  EXPECT_THAT(Joining(), SizeIs(1));
}

TEST_P(LeaseBesideTest, OtherModelsAndSizesDoNotJoin) {
  Hold();
  NewJob model, size;
  model.shared.model = "other";
  size.shared.width = 64;
  size.shared.height = 64;
  const Job first = Submit(model), second = Submit(size);
  EXPECT_THAT(Joining(), IsEmpty());
  puppet_.next = 1;
  EXPECT_THAT(Joining(), IsEmpty());
  EXPECT_EQ(GetRun(first).state, RunState::kQueued);
  EXPECT_EQ(GetRun(second).state, RunState::kQueued);
}

TEST_P(LeaseBesideTest, RunsThatDoNotMixWithTheSteppedOnesDoNotJoin) {
  Hold();
  Submit();
  puppet_.mix = 1;
  EXPECT_THAT(Joining(), IsEmpty());
  puppet_.mix = 2;
  EXPECT_THAT(Joining(), SizeIs(1));
}

TEST_P(LeaseBesideTest, ARunThatSpellsOutTheDefaultModelJoins) {
  Hold();
  NewJob named;
  named.shared.model = "shapes";
  Submit(named);
  EXPECT_THAT(Joining(), IsEmpty());
  puppet_.default_model = "shapes";
  EXPECT_THAT(Joining(), SizeIs(1));
}

TEST_P(LeaseBesideTest, NothingJoinsWhileOtherWorkIsDueBefore) {
  Hold();
  NewJob other;
  other.shared.model = "other";
  other.priority = Priority::kHigh;
  Submit(other);
  Submit();
  EXPECT_THAT(Joining(), IsEmpty());
}

TEST_P(LeaseBesideTest, OtherQueuesDoNotJoin) {
  ASSERT_TRUE(Write([](Tx& tx) {
                QueueSettings settings;
                settings.policy = BatchPolicy::kAdaptive;
                return CreateQueue(tx, "night", settings);
              }).ok());
  Hold();
  Submit({.queue = "night"});
  EXPECT_THAT(Joining(), IsEmpty());
}

TEST_P(LeaseBesideTest, WithoutAPolicyNothingJoins) {
  Configure(PatchOf(&QueueSettings::policy, BatchPolicy::kOff));
  Hold();
  Submit();
  EXPECT_THAT(Joining(), IsEmpty());
}

TEST_P(LeaseBesideTest, APausedQueueLetsNobodyJoin) {
  Hold();
  Submit();
  ASSERT_TRUE(
      Write([](Tx& tx) { return PauseQueue(tx, kDefaultQueue, {}); }).ok());
  EXPECT_THAT(Joining(), IsEmpty());
}

TEST_P(LeaseBesideTest, AHigherPriorityGetsInAtTheNextStep) {
  Hold();
  const Job normal = Submit();
  const Job urgent = Submit({.priority = Priority::kUrgent});
  EXPECT_THAT(Joining(), ElementsAre(First(urgent)));
  beside_.row_count = 2;
  EXPECT_THAT(Joining(), ElementsAre(First(normal)));
}

TEST_P(LeaseBesideTest, ARunThatIsToGoAloneNeitherJoinsNorIsJoined) {
  Hold();
  const Job job = Submit();
  const auto set_alone = [&](RunId id) {
    Write([&](Tx& tx) {
      Run run = tx.FindRun(id).value();
      run.alone = true;
      tx.SaveRun(run);
    });
  };
  set_alone(First(job));
  EXPECT_THAT(Joining(), IsEmpty());
  const LeaseResult alone = Try({.id = WorkerId{2}});
  ASSERT_TRUE(alone.leased.has_value());
  Submit();
  Lessee worker = {
      .id = WorkerId{2}, .beside = alone.leased->batch.id, .row_count = 1};
  const LeaseResult result = Try(worker);
  EXPECT_FALSE(result.lost);
  EXPECT_FALSE(result.leased.has_value());
}

TEST_P(LeaseBesideTest, ABatchThatTheWorkerDoesNotHoldIsLost) {
  const Leased held = Hold();
  Submit();
  EXPECT_TRUE(Try({.id = WorkerId{2}, .beside = held.batch.id}).lost);
  EXPECT_TRUE(Try({.beside = BatchId{99}}).lost);
  Lessee stranger = beside_;
  stranger.beside_secret = "another's secret";
  EXPECT_TRUE(Try(stranger).lost);
  ASSERT_TRUE(Finish(MakeReport(held, Succeeded{})).ok());
  const LeaseResult ended = Try(beside_);
  EXPECT_TRUE(ended.lost);
  EXPECT_FALSE(ended.leased.has_value());
}

TEST_P(LeaseBesideTest, ABatchOfAPlanDoesNotJoin) {
  Hold();
  const Job planned = Submit();
  ASSERT_TRUE(Execute(Store({{First(planned)}}).id).ok());
  EXPECT_THAT(Joining(), IsEmpty());
}

TEST_P(LeaseBesideTest, ABatchOfAPlanIsNotJoined) {
  const Job held = Submit();
  const PlanRecord plan = Store({{First(held)}});
  ASSERT_TRUE(Execute(plan.id).ok());
  const LeaseResult first = Try();
  ASSERT_TRUE(first.leased.has_value());
  beside_ = {.beside = first.leased->batch.id, .row_count = 1};
  Submit();
  EXPECT_THAT(Joining(), IsEmpty());
}

TEST_P(LeaseBesideTest, WhereThePolicyWouldWaitNothingJoins) {
  Hold();
  Submit();
  puppet_.wait_until = clock_.now() + absl::Seconds(1);
  EXPECT_THAT(Joining(), IsEmpty());
}

TEST_P(LeaseBesideTest, RunsWithAnotherExtraDoNotJoin) {
  NewJob one{.runs = Runs(1)};
  one.shared.extra = {{"scale", "1"}};
  Hold(one);
  Submit();
  EXPECT_THAT(Joining(), IsEmpty());
  const Job same = Submit(one);
  Write(
      [&](Tx& tx) { return CancelJob(tx, JobId{same.id.value - 1}, {}).ok(); });
  EXPECT_THAT(Joining(), ElementsAre(First(same)));
}

}  // namespace
}  // namespace sheaf
