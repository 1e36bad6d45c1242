#include "server/scheduling/lease_planner.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "server/scheduling/batch_choice.h"
#include "tests/batching/builders.h"

namespace sheaf::server {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

const absl::Time kNow = absl::FromUnixSeconds(1'000'000);

LaneHead HeadOf(const std::string& owner, int64_t job,
                const std::string& model = "m") {
  LaneHead head;
  head.lane.id = LaneId{job};
  head.lane.owner = owner;
  head.lane.queue = "default";
  head.lane.kind = "inference";
  head.lane.model = model;
  head.run.id = RunId(JobId{job}, 0);
  head.run.run_time = kNow - absl::Seconds(10) + absl::Milliseconds(job);
  return head;
}

Lessee Worker(int64_t id) {
  Lessee who;
  who.id = WorkerId{id};
  who.device = "gpu";
  return who;
}

class LeasePlannerTest : public ::testing::Test {
 protected:
  LeasePlanner Make(LeasePlanner::Options options = {}) {
    return LeasePlanner(std::move(options),
                        {.prices = &prices_,
                         .memory = &memory_,
                         .places = &places_,
                         .arrivals = &arrivals_,
                         .count_workers = [] { return 2; }});
  }
  // A look that is committed.
  LeasePolicy::Turn Next(LeasePlanner* planner, int64_t worker,
                         const std::vector<LaneHead>& heads,
                         absl::Time now = kNow) {
    LeasePolicy::Turn turn = planner->Next(Worker(worker), heads, now);
    planner->Looked(turn.notes, now);
    return turn;
  }
  // The worker gets this head's batch.
  void Give(LeasePlanner* planner, int64_t worker, const LaneHead& head,
            double ms = 100, absl::Time now = kNow) {
    Leased leased;
    leased.runs.resize(1);
    leased.runs[0].run = head.run;
    leased.runs[0].owner = head.lane.owner;
    leased.runs[0].params.model = head.lane.model;
    planner->Took(leased, Worker(worker), ms, now);
  }

  std::map<WorkerId, double> free_in_;
  PricesBoard prices_{batching::SlowDevice()};
  MemoryBoard memory_;
  Arrivals arrivals_;
  WorkerPlaces places_{
      {.taker = [](WorkerId id) { return Worker(id.value); },
       .free_in = [this](WorkerId id, absl::Time) -> std::optional<double> {
         const auto found = free_in_.find(id);
         if (found == free_in_.end()) return std::nullopt;
         return found->second;
       }}};
};

TEST_F(LeasePlannerTest, OwnersTakeTurnsByWhatTheyWereGiven) {
  LeasePlanner planner = Make();
  const std::vector<LaneHead> heads = {HeadOf("flood", 1), HeadOf("ann", 2)};
  std::vector<size_t> order;
  for (int i = 0; i < 6; ++i) {
    order.push_back(*Next(&planner, 1, heads).head);
    // The flood's batches take twice as long.
    Give(&planner, 1, heads[order.back()], order.back() == 0 ? 200 : 100);
  }
  EXPECT_THAT(order, ElementsAre(0, 1, 1, 0, 1, 1));
  EXPECT_EQ(planner.Given().at("flood"), absl::Milliseconds(400));
}

TEST_F(LeasePlannerTest, WithoutFairnessTheOldestGoes) {
  LeasePlanner planner = Make({.fair = false});
  const std::vector<LaneHead> heads = {HeadOf("flood", 1), HeadOf("ann", 2)};
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(Next(&planner, 1, heads).head, 0u);
    Give(&planner, 1, HeadOf("flood", 1), 200);
  }
}

TEST_F(LeasePlannerTest, TheLoadedModelGoesFirstForAWhile) {
  LeasePlanner planner = Make();
  Give(&planner, 1, HeadOf("ann", 9, "b"));
  const std::vector<LaneHead> heads = {HeadOf("ann", 1, "a"),
                                       HeadOf("ann", 2, "b")};
  EXPECT_EQ(planner.LoadedModel(Worker(1)), "b");
  EXPECT_EQ(Next(&planner, 1, heads).head, 1u);
  EXPECT_EQ(Next(&planner, 2, heads).head, 0u);
  // Now the first head has waited for long enough.
  EXPECT_EQ(Next(&planner, 1, heads, kNow + absl::Seconds(5)).head, 0u);
}

TEST_F(LeasePlannerTest, AnIdleWorkerThatHasTheModelIsBetter) {
  LeasePlanner planner = Make();
  Give(&planner, 2, HeadOf("ann", 9, "a"));
  places_.Waits(Worker(1));
  places_.Waits(Worker(2));
  const std::vector<LaneHead> heads = {HeadOf("ann", 1, "a")};
  const auto turn = Next(&planner, 1, heads);
  EXPECT_FALSE(turn.head);
  EXPECT_EQ(turn.better, WorkerId{2});
  EXPECT_EQ(turn.wait_until, kNow + absl::Seconds(5));
  EXPECT_EQ(Next(&planner, 2, heads).head, 0u);
  // The better worker never came.
  EXPECT_EQ(Next(&planner, 1, heads, turn.wait_until).head, 0u);
}

// A look that was undone, or that was only a question, starts no wait.
TEST_F(LeasePlannerTest, ALookIsRememberedOnlyAfterItsCommit) {
  LeasePlanner planner = Make();
  Give(&planner, 2, HeadOf("ann", 9, "a"));
  places_.Waits(Worker(2));
  const std::vector<LaneHead> heads = {HeadOf("ann", 1, "a")};
  (void)planner.Next(Worker(1), heads, kNow);
  const absl::Time later = kNow + absl::Seconds(7);
  EXPECT_EQ(Next(&planner, 1, heads, later).wait_until,
            later + absl::Seconds(5));
}

TEST_F(LeasePlannerTest, ABusyOneIsBetterIfItIsFreeBeforeTheModelIsChanged) {
  LeasePlanner planner = Make();
  Give(&planner, 2, HeadOf("ann", 9, "a"));
  const std::vector<LaneHead> heads = {HeadOf("ann", 1, "a")};
  const double swap_ms = prices_.SwapMs({"gpu", "a", 0, 0});
  ASSERT_GT(swap_ms, 0);
  free_in_[WorkerId{2}] = swap_ms * 0.9;
  EXPECT_FALSE(Next(&planner, 1, heads).head);
  free_in_[WorkerId{2}] = swap_ms * 1.1;
  EXPECT_EQ(Next(&planner, 1, heads).head, 0u);
}

TEST_F(LeasePlannerTest, NobodyWaitsForAWorkerThatCannotServe) {
  LeasePlanner planner = Make();
  Give(&planner, 2, HeadOf("ann", 9, "a"));
  Lessee night = Worker(2);
  night.queues = {"night"};
  places_.Waits(night);
  EXPECT_EQ(Next(&planner, 1, {HeadOf("ann", 1, "a")}).head, 0u);
}

TEST_F(LeasePlannerTest, RoundRobinGoesOnWithTheNextThatWaits) {
  LeasePlanner planner =
      Make({.placement = batching::PlacementRule::kRoundRobin});
  for (int64_t id = 1; id <= 2; ++id) places_.Waits(Worker(id));
  Give(&planner, 3, HeadOf("ann", 8));
  Give(&planner, 1, HeadOf("ann", 9));
  const std::vector<LaneHead> heads = {HeadOf("ann", 1)};
  EXPECT_EQ(Next(&planner, 1, heads).better, WorkerId{2});
  EXPECT_EQ(Next(&planner, 2, heads).head, 0u);
}

TEST_F(LeasePlannerTest, OneWorkerGivesWayToARun) {
  LeasePlanner planner = Make();
  EXPECT_TRUE(planner.GivesWay(WorkerId{1}, RunId(JobId{1}, 0), kNow));
  EXPECT_TRUE(planner.GivesWay(WorkerId{1}, RunId(JobId{1}, 0), kNow));
  EXPECT_FALSE(planner.GivesWay(WorkerId{2}, RunId(JobId{1}, 0), kNow));
  EXPECT_TRUE(planner.GivesWay(WorkerId{2}, RunId(JobId{1}, 1), kNow));
  // The first worker did not give way, after all.
  EXPECT_TRUE(planner.GivesWay(WorkerId{2}, RunId(JobId{1}, 0),
                               kNow + absl::Seconds(11)));
}

// The terms of a batch of eight runs.
class LeaseTermsTest : public LeasePlannerTest {
 protected:
  LeaseTermsTest() {
    lane_.id = LaneId{1};
    lane_.queue = "default";
    lane_.kind = "inference";
    lane_.owner = "ann";
    lane_.model = "base";
    lane_.width = lane_.height = 512;
    for (int i = 0; i < 8; ++i) {
      LeasedRun leased;
      leased.run.id = RunId(JobId{1}, i);
      leased.run.run_time = kNow;
      leased.params = batching::ParamsOf({.seed = i});
      leased.owner = "ann";
      runs_.push_back(leased);
    }
    places_.SetLoaded(WorkerId{1}, "base", "");
  }
  LeasePolicy::Terms Terms(const LeasePlanner& planner,
                           double predicted_ms = 0) {
    return planner.TermsOf(Worker(1), lane_, runs_, predicted_ms, kNow);
  }
  void WaitWithModel(Lessee who) {
    places_.SetLoaded(who.id, "base", "");
    places_.Waits(who);
  }

  Lane lane_;
  std::vector<LeasedRun> runs_;
  const LeasePlanner planner_ = Make({.may_split = true});
};

TEST_F(LeaseTermsTest, AloneAWorkerTakesAllOfItAtThePriceThatIsKnown) {
  EXPECT_EQ(Terms(planner_).runs, 8);
  EXPECT_EQ(Terms(planner_, 77).predicted_ms, 77);
}

// On devices that gain little from batches, two workers finish sooner than one.
TEST_F(LeaseTermsTest, AnIdleWorkerWithTheModelGetsAShare) {
  const double whole_ms =
      PricedRuns("inference", runs_, [&](const auto& shapes) {
        return prices_.PricesOf(shapes, "gpu");
      }).Of(8);
  WaitWithModel(Worker(2));
  const auto terms = Terms(planner_, whole_ms);
  EXPECT_LT(terms.runs, 8);
  EXPECT_GE(terms.runs, 1);
  EXPECT_LT(terms.predicted_ms, whole_ms);
}

TEST_F(LeaseTermsTest, NothingIsLeftToAWorkerWithoutTheModelOrWithWork) {
  places_.Waits(Worker(2));
  EXPECT_EQ(Terms(planner_).runs, 8) << "it would have to load the model first";
  places_.WaitsNoMore(WorkerId{2});
  places_.SetLoaded(WorkerId{2}, "base", "");
  EXPECT_EQ(Terms(planner_).runs, 8) << "it is at work";
  Lessee other = Worker(3);
  other.models = std::vector<std::string>{"another"};
  WaitWithModel(other);
  EXPECT_EQ(Terms(planner_).runs, 8) << "it does not serve the lane";
}

TEST_F(LeaseTermsTest, OneRunIsNotSplit) {
  WaitWithModel(Worker(2));
  runs_.resize(1);
  EXPECT_EQ(Terms(planner_).runs, 1);
}

TEST_F(LeaseTermsTest, ByTimesThatNobodyMeasuredNothingIsSplit) {
  WaitWithModel(Worker(2));
  const LeasePlanner unmeasured = Make();
  EXPECT_EQ(Terms(unmeasured).runs, 8);
  prices_.Measured({"gpu", "base", 512, 512}, batching::SlowDevice());
  EXPECT_LT(Terms(unmeasured).runs, 8);
}

TEST_F(LeaseTermsTest, NoMoreGoThanFitTheDevice) {
  const RunParams& like = runs_[0].params;
  EXPECT_GE(planner_.RowsMax(Worker(1), like), 8);
  EXPECT_EQ(planner_.CountThatFit(Worker(1), runs_), 8u);
  batching::BatchMemory memory;
  memory.rows = 1;
  memory.peak_bytes = 400;
  Lessee small = Worker(1);
  memory_.Learn({"gpu", "base", 512, 512}, 1000, memory);
  EXPECT_EQ(planner_.RowsMax(small, like), 2);
  EXPECT_EQ(planner_.CountThatFit(small, runs_), 2u);
}

TEST_F(LeaseTermsTest, ABatchEndsBeforeARunWhoseControlsLeaveNoRoom) {
  batching::BatchMemory memory;
  for (const int rows : {1, 2, 4}) {
    memory.rows = rows;
    memory.peak_bytes = 100 * rows;
    memory_.Learn({"gpu", "base", 512, 512}, 1000, memory);
  }
  memory.rows = 1;
  memory.peak_bytes = 400;
  memory_.Learn({"gpu", "base", 512, 512, 1}, 1000, memory);
  EXPECT_EQ(planner_.CountThatFit(Worker(1), runs_), 8u);
  runs_[5].params.weights = {{"edge", 1}};
  EXPECT_EQ(planner_.CountThatFit(Worker(1), runs_), 5u);
  runs_[0].params.weights = {{"edge", 1}};
  EXPECT_EQ(planner_.CountThatFit(Worker(1), runs_), 2u);
}

// A planner that knows of the worker's models.
class LeaseModelsTest : public LeaseTermsTest {
 protected:
  LeaseModelsTest() {
    std::map<std::string, batching::ModelFacts> facts;
    facts["base"].defaults.width = facts["base"].defaults.height = 512;
    Tell(std::move(facts));
  }
  void Tell(std::map<std::string, batching::ModelFacts> facts) {
    models_ =
        std::make_shared<const batching::ModelTable>("base", std::move(facts));
  }
  LeasePlanner Knowing() {
    return LeasePlanner({},
                        {.prices = &prices_,
                         .memory = &memory_,
                         .places = &places_,
                         .arrivals = &arrivals_,
                         .count_workers = [] { return 1; },
                         .models_of = [this](WorkerId) { return models_; }});
  }

  std::shared_ptr<const batching::ModelTable> models_;
};

TEST_F(LeaseModelsTest, WhatARunLeavesOutIsSpelledOut) {
  const LeasePlanner planner = Knowing();
  Lane lane;
  EXPECT_EQ(planner.Spelled(Worker(1), lane).model, "base");
  EXPECT_EQ(planner.Spelled(Worker(1), lane).width, 512);
  lane.width = 64;
  EXPECT_EQ(planner.Spelled(Worker(1), lane).width, 64);
  batching::BatchMemory memory;
  memory.rows = 1;
  memory.peak_bytes = 400;
  memory_.Learn({"gpu", "base", 512, 512}, 1000, memory);
  EXPECT_EQ(planner.RowsMax(Worker(1), {}), 2) << "one name for one model";
}

TEST_F(LeaseModelsTest, RunsOfDifferentControlsGoApartWhereTheModelNeedsIt) {
  std::map<std::string, batching::ModelFacts> facts;
  facts["base"].capability = batching::Capability::kMultiImage;
  Tell(std::move(facts));
  const LeasePlanner planner = Knowing();
  EXPECT_EQ(planner.CountThatMix(Worker(1), runs_), 8u);
  runs_[3].params.weights = {{"edge", 1}};
  EXPECT_EQ(planner.CountThatMix(Worker(1), runs_), 3u);
  EXPECT_EQ(planner_.CountThatMix(Worker(1), runs_), 8u) << "it knows nothing";
}

TEST_F(LeaseModelsTest, AModelThatFailedItsSelfTestGetsOneRunAtATime) {
  const LeasePlanner planner = Knowing();
  EXPECT_EQ(planner.CountThatMix(Worker(1), runs_), 8u);
  batching::Profile profile = batching::SlowDevice();
  profile.alone = true;
  prices_.Measured({"gpu", "base", 512, 512}, profile);
  EXPECT_EQ(planner.CountThatMix(Worker(1), runs_), 1u);
  EXPECT_EQ(planner.RowsMax(Worker(1), runs_[0].params), 1);
  for (LeasedRun& run : runs_) run.params.model = {};
  EXPECT_EQ(planner.CountThatMix(Worker(1), runs_), 1u);
}

TEST_F(LeaseTermsTest, AnOwnersLimitIsTheConfiguredOne) {
  EXPECT_EQ(Make({.owner_running_max = 3}).RunningMax("ann"), 3);
}

}  // namespace
}  // namespace sheaf::server
