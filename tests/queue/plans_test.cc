// Plans: stored in slices, executed whole, undone whole, and their effect on
// leasing.
#include "queue/plans.h"

#include "queue/leasing/maintain.h"
#include "tests/queue/plan_case.h"

namespace sheaf {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class PlansTest : public PlanCase {
 protected:
  absl::StatusOr<PlanRecord> Undo(PlanId plan) {
    return Write([&](Tx& tx) { return UndoPlan(tx, plan, "ann"); });
  }
  std::vector<RunId> LeasedRuns(Lessee worker = {}) {
    std::vector<RunId> runs;
    for (const LeasedRun& run : Lease(std::move(worker)).runs) {
      runs.push_back(run.run.id);
    }
    return runs;
  }
  RunId First(const Job& job) { return RunId(job.id, 0); }
};
SHEAF_FOR_ALL_STORES(PlansTest);

TEST_P(PlansTest, BatchesOfAnExecutedPlanAreLeasedTogether) {
  const Job a = Submit(), b = Submit(), c = Submit(), d = Submit();
  const PlanRecord plan = Store({{First(c), First(a)}, {First(b), First(d)}});
  const Executed executed = Execute(plan.id).value();
  EXPECT_EQ(executed.plan.state, PlanState::kActive);
  EXPECT_EQ(GetQueue().plan, plan.id);
  EXPECT_EQ(LastEvent().type, EventType::kPlanExecuted);
  EXPECT_THAT(LeasedRuns(), ElementsAre(First(c), First(a)));
  EXPECT_THAT(LeasedRuns(), ElementsAre(First(b), First(d)));
}

TEST_P(PlansTest, RunsOfNoPlanGoAsTheyWould) {
  const Job a = Submit();
  const PlanRecord plan = Store({{First(a)}});
  ASSERT_TRUE(Execute(plan.id).ok());
  const Job later = Submit({.runs = Runs(2)});
  EXPECT_THAT(LeasedRuns(), ElementsAre(First(a)));
  EXPECT_THAT(LeasedRuns(), ElementsAre(First(later), RunId(later.id, 1)));
}

TEST_P(PlansTest, WhatWaitsNoLongerIsLeftOut) {
  const Job a = Submit(), b = Submit(), c = Submit();
  const PlanRecord plan = Store({{First(a), First(b), First(c)}});
  ASSERT_TRUE(Execute(plan.id).ok());
  ASSERT_TRUE(Write([&](Tx& tx) { return CancelJob(tx, b.id, {}); }).ok());
  EXPECT_THAT(LeasedRuns(), ElementsAre(First(a), First(c)));
}

TEST_P(PlansTest, AWorkerThatTakesFewerGetsTheRestNext) {
  const Job a = Submit(), b = Submit(), c = Submit();
  const PlanRecord plan = Store({{First(c), First(b), First(a)}});
  ASSERT_TRUE(Execute(plan.id).ok());
  EXPECT_THAT(LeasedRuns({.batch_size_max = 2}),
              ElementsAre(First(c), First(a)));
  EXPECT_THAT(LeasedRuns({.batch_size_max = 2}), ElementsAre(First(b)));
}

TEST_P(PlansTest, BatchesStartInThePlansOrder) {
  const Job a = Submit(), b = Submit(), c = Submit(), d = Submit();
  const PlanRecord plan = Store({{First(d)}, {First(b)}, {First(c), First(a)}});
  ASSERT_TRUE(Execute(plan.id).ok());
  EXPECT_THAT(LeasedRuns(), ElementsAre(First(d)));
  EXPECT_THAT(LeasedRuns(), ElementsAre(First(b)));
  EXPECT_THAT(LeasedRuns(), ElementsAre(First(c), First(a)));
}

TEST_P(PlansTest, ARunOfHigherPriorityWaitsForNoBatchBeforeItsOwn) {
  const Job a = Submit(), b = Submit();
  const PlanRecord plan = Store({{First(a)}, {First(b)}}, /*live=*/true);
  ASSERT_TRUE(Execute(plan.id).ok());
  ASSERT_TRUE(Write([&](Tx& tx) {
                return UpdateJob(tx, b.id, {.priority = Priority::kUrgent});
              }).ok());
  EXPECT_THAT(LeasedRuns(), ElementsAre(First(b)));
  EXPECT_THAT(LeasedRuns(), ElementsAre(First(a)));
}

TEST_P(PlansTest, ABatchThatTheWorkerCannotMakeIsPassedOver) {
  const Job b = Submit({.shared = {.model = "other"}});
  const Job a = Submit({.shared = {.model = "one"}});
  const Job c = Submit({.shared = {.model = "one"}});
  const PlanRecord plan = Store({{First(b)}, {First(c)}, {First(a)}});
  ASSERT_TRUE(Execute(plan.id).ok());
  EXPECT_THAT(LeasedRuns({.models = Names({"one"})}), ElementsAre(First(c)));
  EXPECT_THAT(LeasedRuns({.models = Names({"one"})}), ElementsAre(First(a)));
  EXPECT_THAT(LeasedRuns(), ElementsAre(First(b)));
}

TEST_P(PlansTest, LeasesRememberWhichBatchesHaveGone) {
  const Job a = Submit(), b = Submit(), c = Submit();
  const PlanRecord plan = Store({{First(c)}, {First(b)}, {First(a)}});
  ASSERT_TRUE(Execute(plan.id).ok());
  for (int i = 0; i < 3; ++i) Lease();
  const auto kept = Read([&](View& view) { return view.FindPlan(plan.id); });
  // The third lease saw that the first two are gone.
  EXPECT_EQ(kept->next_batch, 3);
}

TEST_P(PlansTest, AnyChangeOfWhatWaitsMakesAPlanStale) {
  const Job a = Submit(), b = Submit();
  const std::vector<std::pair<std::string, std::function<void()>>> changes = {
      {"submitted", [&] { Submit(); }},
      // As many runs wait as before: a count would not show the change.
      {"cancelled",
       [&] {
         Submit();
         Write([&](Tx& tx) { return CancelJob(tx, b.id, {}); }).value();
       }},
      {"updated",
       [&] {
         Write([&](Tx& tx) {
           return UpdateJob(tx, a.id, {.priority = Priority::kHigh});
         }).value();
       }},
      {"settings",
       [&] {
         Write([&](Tx& tx) {
           return UpdateQueue(tx, kDefaultQueue, PatchOf({.batch_size = 3}), 0);
         }).value();
       }},
      {"started", [&] { Lease(); }},
  };
  for (const auto& [what, change] : changes) {
    const PlanRecord plan = Store({{First(a)}});
    change();
    const auto refused = Execute(plan.id);
    EXPECT_THAT(refused, FailsWith(Reason::kAnalysisStale)) << what;
    const std::string message(refused.status().message());
    EXPECT_THAT(message, HasSubstr("Analysis is stale - queue has changed. "
                                   "Please re-analyze."));
    EXPECT_THAT(message, HasSubstr(what));
    EXPECT_FALSE(GetQueue().plan);
  }
}

TEST_P(PlansTest, WhatEndsMakesNoPlanStale) {
  Submit();
  const Leased running = Lease();
  const Job waits = Submit();
  const PlanRecord plan = Store({{First(waits)}});
  ASSERT_TRUE(Finish(MakeReport(running, Succeeded{})).ok());
  EXPECT_TRUE(Execute(plan.id).ok());
}

TEST_P(PlansTest, ALivePlanTakesWhatIsLeft) {
  const Job a = Submit(), b = Submit(), c = Submit();
  const PlanRecord plan =
      Store({{First(a), First(b), First(c)}}, /*live=*/true);
  EXPECT_THAT(LeasedRuns(), ElementsAre(First(a)));
  ASSERT_TRUE(Execute(plan.id).ok());
  EXPECT_THAT(LeasedRuns(), ElementsAre(First(b), First(c)));
}

TEST_P(PlansTest, WithoutAnalysisThereIsNothingToExecute) {
  const auto refused = Execute(PlanId{});
  EXPECT_THAT(refused, FailsWith(Reason::kNoAnalysis));
  EXPECT_THAT(std::string(refused.status().message()),
              HasSubstr("No analysis available"));
  EXPECT_THAT(Execute(PlanId{7}), FailsWith(Reason::kPlanNotFound));
}

TEST_P(PlansTest, OfPlansThatNobodyExecutesTheNewestAreKept) {
  const Job job = Submit({.runs = std::vector<RunParams>(2)});
  const Groups groups = {{RunId(job.id, 0), RunId(job.id, 1)}};
  std::vector<PlanId> plans;
  for (int i = 0; i < kReadyPlansMax + 2; ++i) {
    plans.push_back(Store(groups).id);
  }
  Write([](Tx& tx) { Maintain(tx, Maintenance()); });
  Write([](Tx& tx) { Maintain(tx, Maintenance()); });
  Read([&](View& view) {
    EXPECT_FALSE(view.FindPlan(plans[0]));
    EXPECT_FALSE(view.FindPlan(plans[1]));
    EXPECT_TRUE(view.FindPlan(plans[2]));
    EXPECT_TRUE(view.FindPlan(plans.back()));
    return true;
  });
}

TEST_P(PlansTest, TheNewestPlanIsExecutedWhereNoneIsNamed) {
  const Job a = Submit(), b = Submit();
  Store({{First(a)}});
  const PlanRecord newest = Store({{First(a), First(b)}});
  EXPECT_EQ(Execute(PlanId{})->plan.id, newest.id);
}

TEST_P(PlansTest, ARepeatedRequestExecutesOnce) {
  const Job a = Submit();
  const PlanRecord plan = Store({{First(a)}});
  EXPECT_FALSE(Execute(plan.id, "r1")->replayed);
  const int64_t revision = GetQueue().revision;
  EXPECT_TRUE(Execute(plan.id, "r1")->replayed);
  EXPECT_EQ(GetQueue().revision, revision);
  EXPECT_THAT(Execute(plan.id, "r2"), FailsWith(Reason::kNoAnalysis));
}

TEST_P(PlansTest, ExecutingOneMakesTheOthersStale) {
  const Job a = Submit();
  const PlanRecord one = Store({{First(a)}});
  const PlanRecord other = Store({{First(a)}});
  ASSERT_TRUE(Execute(one.id).ok());
  EXPECT_THAT(Execute(other.id), FailsWith(Reason::kAnalysisStale));
}

TEST_P(PlansTest, UndoBringsTheFormerGroupingBack) {
  const Job a = Submit(), b = Submit(), c = Submit();
  const PlanRecord first = Store({{First(a), First(b)}});
  ASSERT_TRUE(Execute(first.id).ok());
  const PlanRecord second = Store({{First(a), First(c)}});
  ASSERT_TRUE(Execute(second.id).ok());
  EXPECT_THAT(Undo(first.id), FailsWith(Reason::kPlanNotActive));
  EXPECT_EQ(Undo(second.id)->state, PlanState::kUndone);
  EXPECT_EQ(GetQueue().plan, first.id);
  EXPECT_EQ(LastEvent().type, EventType::kPlanUndone);
  EXPECT_THAT(LeasedRuns(), ElementsAre(First(a), First(b)));
  EXPECT_THAT(Undo(first.id), FailsWith(Reason::kPlanStarted));
}

TEST_P(PlansTest, UndoOfTheFirstLeavesNone) {
  const Job a = Submit(), b = Submit();
  const PlanRecord plan = Store({{First(a), First(b)}});
  ASSERT_TRUE(Execute(plan.id).ok());
  ASSERT_TRUE(Undo(plan.id).ok());
  EXPECT_FALSE(GetQueue().plan);
  EXPECT_THAT(LeasedRuns(), ElementsAre(First(a)));
}

TEST_P(PlansTest, APlanThatIsBeingStoredCannotBeExecuted) {
  const PlanId plan = Write([](Tx& tx) {
    PlanRecord begun;
    begun.queue = kDefaultQueue;
    return BeginPlan(tx, begun).id;
  });
  EXPECT_THAT(Execute(plan), FailsWith(Reason::kNoAnalysis));
  EXPECT_THAT(Execute(PlanId{}), FailsWith(Reason::kNoAnalysis));
}

TEST_P(PlansTest, PlansGoWhenTheirTimeIsOverButNotTheActiveOne) {
  const Job a = Submit(), b = Submit(), c = Submit();
  const PlanRecord old = Store({{First(a), First(b)}, {First(c)}});
  const PlanRecord active = Store({{First(a)}});
  ASSERT_TRUE(Execute(active.id).ok());
  clock_.Advance(kPlanLife + absl::Seconds(1));
  while (Write([](Tx& tx) { return Maintain(tx, {.step = 1}); })) {
  }
  Read([&](View& view) {
    EXPECT_FALSE(view.FindPlan(old.id));
    EXPECT_TRUE(view.PlanBatches(old.id, 0, 9).empty());
    EXPECT_FALSE(view.FindPlanBatch(old.id, First(a)));
    EXPECT_TRUE(view.FindPlan(active.id));
    EXPECT_EQ(view.PlanBatches(active.id, 0, 9).size(), 1u);
    return 0;
  });
}

}  // namespace
}  // namespace sheaf
