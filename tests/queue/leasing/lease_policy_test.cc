// Runs of different jobs that are leased together, where the queue's policy
// lets a chooser choose: the lines that the chooser is shown, and the effect of
// its choice.
#include <algorithm>
#include <optional>

#include "absl/strings/str_cat.h"
#include "tests/queue/puppet.h"
#include "tests/queue/use_case_test.h"

namespace sheaf {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class LeasePolicyTest : public UseCaseTest {
 protected:
  void SetPolicy(BatchPolicy policy) {
    Write([&](Tx& tx) {
      const QueuePatch patch = PatchOf(&QueueSettings::policy, policy);
      EXPECT_TRUE(UpdateQueue(tx, kDefaultQueue, patch, 0).ok());
      return 0;
    });
  }
  LeaseResult TryLease(Lessee worker = {}) {
    return Write([&](Tx& tx) {
      return sheaf::Lease(tx, MakeWorker(std::move(worker)), kLease, &puppet_);
    });
  }
  std::vector<RunId> Leased(Lessee worker = {}) {
    std::vector<RunId> runs;
    const LeaseResult result = TryLease(std::move(worker));
    if (!result.leased) return runs;
    for (const LeasedRun& run : result.leased->runs) runs.push_back(run.run.id);
    return runs;
  }
  RunId First(const Job& job) { return RunId(job.id, 0); }
  Puppet puppet_;
};
SHEAF_FOR_ALL_STORES(LeasePolicyTest);

TEST_P(LeasePolicyTest, WithoutThePolicyNobodyIsAsked) {
  const Job a = Submit(), b = Submit();
  EXPECT_THAT(Leased(), ElementsAre(First(a)));
  EXPECT_THAT(puppet_.seen, IsEmpty());
}

TEST_P(LeasePolicyTest, RunsOfSeveralJobsGoTogether) {
  SetPolicy(BatchPolicy::kAdaptive);
  NewJob spec;
  spec.shared.steps = 7;
  const Job a = Submit(spec), b = Submit();
  EXPECT_THAT(Leased(), ElementsAre(First(a), First(b)));
  ASSERT_EQ(puppet_.seen.size(), 1u);
  EXPECT_EQ(puppet_.seen[0].waiting[0].params.steps, 7);
  EXPECT_EQ(GetRun(First(b)).state, RunState::kRunning);
  EXPECT_EQ(GetRun(First(a)).batch, GetRun(First(b)).batch);
}

TEST_P(LeasePolicyTest, OnlyTheHighestPriorityIsShown) {
  SetPolicy(BatchPolicy::kEconomic);
  const Job low = Submit();
  const Job high = Submit({.priority = Priority::kHigh});
  EXPECT_THAT(Leased(), ElementsAre(First(high)));
  EXPECT_THAT(Leased(), ElementsAre(First(low)));
}

TEST_P(LeasePolicyTest, WhatIsNotDueIsNotShown) {
  SetPolicy(BatchPolicy::kAdaptive);
  const Job now = Submit();
  Submit({.run_time = clock_.now() + absl::Hours(1)});
  EXPECT_THAT(Leased(), ElementsAre(First(now)));
  EXPECT_THAT(Leased(), IsEmpty());
}

TEST_P(LeasePolicyTest, AQueueThatWaitsHoldsUpNoOther) {
  SetPolicy(BatchPolicy::kAdaptive);
  ASSERT_TRUE(Write([](Tx& tx) {
                return CreateQueue(tx, "night", QueueSettings{});
              }).ok());
  Submit();
  const Job other = Submit({.queue = "night"});
  puppet_.wait_until = clock_.now() + absl::Seconds(2);
  EXPECT_THAT(Leased(), ElementsAre(First(other)));
  const LeaseResult result = TryLease();
  EXPECT_FALSE(result.leased);
  EXPECT_EQ(result.next_time, puppet_.wait_until);
}

TEST_P(LeasePolicyTest, LinesAreWhatTheWorkerCanServe) {
  SetPolicy(BatchPolicy::kAdaptive);
  NewJob a, b;
  a.shared.model = "a";
  b.shared.model = "b";
  const Job first = Submit(a), second = Submit(b);
  EXPECT_THAT(Leased({.models = {"b"}}), ElementsAre(First(second)));
  EXPECT_EQ(puppet_.seen.size(), 1u);
  Submit(b);
  puppet_.take = 1;
  EXPECT_THAT(Leased(), ElementsAre(First(first)));
  ASSERT_EQ(puppet_.seen.size(), 2u);
  EXPECT_EQ(puppet_.seen[0].lane.model, "a");
  EXPECT_EQ(puppet_.seen[1].lane.model, "b");
}

TEST_P(LeasePolicyTest, LanesThatAreEqualOnceSpelledOutAreOneLine) {
  SetPolicy(BatchPolicy::kAdaptive);
  NewJob named;
  named.shared.model = "shapes";
  const Job a = Submit(), b = Submit(named);
  puppet_.take = 1;
  EXPECT_THAT(Leased(), ElementsAre(First(a)));
  EXPECT_EQ(puppet_.seen.size(), 2u) << "nobody knows the default";
  puppet_.default_model = "shapes";
  puppet_.take = 4;
  const Job c = Submit();
  EXPECT_THAT(Leased(), ElementsAre(First(b), First(c)));
  EXPECT_EQ(puppet_.seen.size(), 1u);
}

TEST_P(LeasePolicyTest, OnlyRunsThatMixAreLeasedTogether) {
  const Job job = Submit({.runs = Runs(3)});
  puppet_.mix = 2;
  EXPECT_THAT(Leased(), ElementsAre(RunId(job.id, 0), RunId(job.id, 1)));
  EXPECT_THAT(Leased(), ElementsAre(RunId(job.id, 2)));
}

TEST_P(LeasePolicyTest, WorkBehindManyOwnersAtTheirLimitsIsNoticed) {
  puppet_.running_max = 1;
  for (int i = 0; i < 12; ++i) {
    Submit({.owner = absl::StrCat("owner-", i), .runs = Runs(2)});
    ASSERT_EQ(Leased().size(), 1u);
  }
  const auto next_work = [&] {
    return Write(
        [&](Tx& tx) { return NextWork(tx, MakeWorker({}), &puppet_); });
  };
  EXPECT_FALSE(next_work());
  Submit({.owner = "another"});
  const std::optional<Lane> lane = next_work();
  ASSERT_TRUE(lane);
  EXPECT_EQ(lane->owner, "another");
}

// The heads of a closed queue are not even looked at, nor do they hide others.
TEST_P(LeasePolicyTest, APausedQueueIsPassedOver) {
  Submit({.owner = "first"});
  ASSERT_TRUE(
      Write([](Tx& tx) { return PauseQueue(tx, kDefaultQueue, {}); }).ok());
  ASSERT_TRUE(Write([](Tx& tx) {
                return CreateQueue(tx, "night", QueueSettings{});
              }).ok());
  EXPECT_THAT(Leased(), IsEmpty());
  const Job other = Submit({.queue = "night", .owner = "second"});
  EXPECT_THAT(Leased(), ElementsAre(First(other)));
  EXPECT_THAT(puppet_.owners, ElementsAre("second"));
}

// A lease that finds late runs without end lets others in, and is asked again
// at once.
TEST_P(LeasePolicyTest, ALeaseFailsOnlySoManyLateRuns) {
  for (int i = 0; i < 101; ++i) {
    Submit({.start_deadline = clock_.now() + absl::Seconds(10)});
  }
  const Job next = Submit();
  clock_.Advance(absl::Seconds(10));
  const LeaseResult first = TryLease();
  EXPECT_FALSE(first.leased);
  EXPECT_EQ(first.next_time, clock_.now());
  EXPECT_EQ(GetQueue().queued, 2);
  EXPECT_THAT(Leased(), ElementsAre(First(next)));
  EXPECT_EQ(GetQueue().queued, 0);
}

TEST_P(LeasePolicyTest, NoMoreOfAJobGoThanFitTheDevice) {
  Submit({.runs = Runs(4)});
  puppet_.rows_max = 3;
  EXPECT_EQ(Leased().size(), 3u);
  puppet_.rows_max = 0;  // only a try of one run can tell
  EXPECT_EQ(Leased().size(), 1u);
}

TEST_P(LeasePolicyTest, OtherKindsGoAsTheyCame) {
  SetPolicy(BatchPolicy::kAdaptive);
  const Job upscale = Submit({.kind = "upscale"});
  EXPECT_THAT(Leased(), ElementsAre(First(upscale)));
  EXPECT_THAT(puppet_.seen, IsEmpty());
}

TEST_P(LeasePolicyTest, ThePolicySaysWhoseTurnItIs) {
  const Job ann = Submit({.owner = "ann"}), bob = Submit({.owner = "bob"});
  puppet_.next = 1;
  EXPECT_THAT(Leased(), ElementsAre(First(bob)));
  EXPECT_THAT(puppet_.owners, ElementsAre("ann", "bob"));
  puppet_.next = 0;
  EXPECT_THAT(Leased(), ElementsAre(First(ann)));
}

// The owner's other lanes may be such that nobody else could begin with them.
TEST_P(LeasePolicyTest, WhereAllShownAreLeftTheOwnersOtherLanesAreShown) {
  std::vector<Job> jobs;
  for (int i = 0; i < 12; ++i) {
    NewJob job{.owner = "ann"};
    job.shared.width = job.shared.height = 64 * (i + 1);
    jobs.push_back(Submit(job));
    clock_.Advance(absl::Seconds(1));
  }
  puppet_.next = 5;
  EXPECT_EQ(Leased().size(), 1u);
  EXPECT_GT(puppet_.owners.size(), 5u);
}

TEST_P(LeasePolicyTest, TurnsAreTakenWithinAPriority) {
  Submit({.priority = Priority::kLow, .owner = "ann"});
  const Job high = Submit({.priority = Priority::kHigh, .owner = "bob"});
  puppet_.next = 0;
  EXPECT_THAT(Leased(), ElementsAre(First(high)));
  EXPECT_THAT(puppet_.owners, ElementsAre("bob"));
}

TEST_P(LeasePolicyTest, WhatIsLeftToOthersHoldsUpNobodyBelow) {
  Submit({.owner = "ann"});
  const Job low = Submit({.priority = Priority::kLow, .owner = "bob"});
  const Job lower = Submit({.priority = Priority::kLow, .owner = "cid"});
  puppet_.next = 1;  // there is one NORMAL head, and two LOW ones
  puppet_.turn_wait = clock_.now() + absl::Seconds(3);
  EXPECT_THAT(Leased(), ElementsAre(First(lower)));
  puppet_.next = 7;
  const LeaseResult nothing = TryLease();
  EXPECT_FALSE(nothing.leased);
  EXPECT_EQ(nothing.next_time, puppet_.turn_wait);
  EXPECT_EQ(GetRun(low).state, RunState::kQueued);
}

TEST_P(LeasePolicyTest, AnOwnerRunsNoMoreThanTheyMay) {
  puppet_.running_max = 3;
  const Job ann = Submit({.owner = "ann", .runs = Runs(8)});
  const Job bob = Submit({.owner = "bob"});
  EXPECT_EQ(Leased().size(), 3u);
  EXPECT_THAT(Leased(), ElementsAre(First(bob)));
  EXPECT_THAT(Leased(), IsEmpty());
  EXPECT_EQ(GetJob(ann).counts.running, 3);
}

TEST_P(LeasePolicyTest, TheLimitHoldsInABatchOfManyOwners) {
  SetPolicy(BatchPolicy::kAdaptive);
  puppet_.running_max = 1;
  const Job ann = Submit({.owner = "ann", .runs = Runs(3)});
  const Job bob = Submit({.owner = "bob", .runs = Runs(3)});
  EXPECT_THAT(Leased(), ElementsAre(First(ann), First(bob)));
}

TEST_P(LeasePolicyTest, OwnersStandInALineByTurns) {
  SetPolicy(BatchPolicy::kAdaptive);
  const Job ann = Submit({.owner = "ann", .runs = Runs(3)});
  const Job bob = Submit({.owner = "bob", .runs = Runs(2)});
  EXPECT_THAT(Leased(), ElementsAre(First(ann), First(bob), RunId(ann.id, 1),
                                    RunId(bob.id, 1)));
  ASSERT_EQ(puppet_.seen.size(), 1u);
  EXPECT_EQ(puppet_.seen[0].waiting[1].owner, "bob");
}

TEST_P(LeasePolicyTest, WhatAWorkerLeavesGoesToTheNext) {
  const Job job = Submit({.runs = Runs(4)});
  puppet_.share = 3;
  EXPECT_EQ(Leased().size(), 3u);
  EXPECT_THAT(Leased(), ElementsAre(RunId(job.id, 3)));
}

}  // namespace
}  // namespace sheaf
