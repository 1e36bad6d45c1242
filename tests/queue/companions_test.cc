// Runs of different jobs that are leased together, where the queue's policy
// lets somebody choose: what the chooser is shown, and what becomes of its
// choice.
#include "tests/queue/use_case_test.h"

namespace sheaf {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

// Does as it is told, and remembers what it saw.
class Puppet : public Companions {
 public:
  Choice Choose(const Queue&, const Lessee&, const std::vector<Line>& lines,
                absl::Time) override {
    seen = lines;
    if (wait_until != absl::InfinitePast()) return {{}, wait_until};
    Choice choice;
    for (const Line& line : lines) {
      for (const LeasedRun& run : line.waiting) {
        if (choice.runs.size() < take) choice.runs.push_back(run.run.id);
      }
    }
    return choice;
  }
  std::vector<Line> seen;
  size_t take = 4;
  absl::Time wait_until = absl::InfinitePast();
};

class CompanionsTest : public UseCaseTest {
 protected:
  void SetPolicy(BatchPolicy policy) {
    Write([&](Tx& tx) {
      QueuePatch patch;
      patch.policy = policy;
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
SHEAF_FOR_ALL_STORES(CompanionsTest);

TEST_P(CompanionsTest, WithoutThePolicyNobodyIsAsked) {
  const Job a = Submit(), b = Submit();
  EXPECT_THAT(Leased(), ElementsAre(First(a)));
  EXPECT_THAT(puppet_.seen, IsEmpty());
}

TEST_P(CompanionsTest, RunsOfSeveralJobsGoTogether) {
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

TEST_P(CompanionsTest, OnlyTheHighestPriorityIsShown) {
  SetPolicy(BatchPolicy::kEconomic);
  const Job low = Submit();
  const Job high = Submit({.priority = Priority::kHigh});
  EXPECT_THAT(Leased(), ElementsAre(First(high)));
  EXPECT_THAT(Leased(), ElementsAre(First(low)));
}

TEST_P(CompanionsTest, WhatIsNotDueIsNotShown) {
  SetPolicy(BatchPolicy::kAdaptive);
  const Job now = Submit();
  Submit({.run_time = clock_.now() + absl::Hours(1)});
  EXPECT_THAT(Leased(), ElementsAre(First(now)));
  EXPECT_THAT(Leased(), IsEmpty());
}

TEST_P(CompanionsTest, AQueueThatWaitsHoldsUpNoOther) {
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

TEST_P(CompanionsTest, LinesAreWhatTheWorkerCanServe) {
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

TEST_P(CompanionsTest, OtherKindsGoAsTheyCame) {
  SetPolicy(BatchPolicy::kAdaptive);
  const Job upscale = Submit({.kind = "upscale"});
  EXPECT_THAT(Leased(), ElementsAre(First(upscale)));
  EXPECT_THAT(puppet_.seen, IsEmpty());
}

}  // namespace
}  // namespace sheaf
