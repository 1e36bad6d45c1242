#include "server/scheduling/turns.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace sheaf::server {
namespace {

using ::testing::ElementsAre;

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
  return who;
}

class TurnsTest : public ::testing::Test {
 protected:
  Turns Make(TurnOptions options = {}) {
    return Turns(std::move(options), [this] { return others_; });
  }
  // The worker gets this head's batch.
  void Give(Turns* turns, int64_t worker, const LaneHead& head, double ms,
            absl::Time now = kNow) {
    Leased leased;
    leased.runs.resize(1);
    leased.runs[0].run = head.run;
    leased.runs[0].owner = head.lane.owner;
    leased.runs[0].params.model = head.lane.model;
    turns->Took(leased, Worker(worker), ms, now);
  }
  std::vector<WorkerPlace> others_;
};

TEST_F(TurnsTest, OwnersTakeTurnsByWhatTheyWereGiven) {
  Turns turns = Make();
  const std::vector<LaneHead> heads = {HeadOf("flood", 1), HeadOf("ann", 2)};
  std::vector<size_t> order;
  for (int i = 0; i < 6; ++i) {
    order.push_back(*turns.Next(Worker(1), heads, kNow).head);
    // The flood's batches take twice as long.
    Give(&turns, 1, heads[order.back()], order.back() == 0 ? 200 : 100);
  }
  EXPECT_THAT(order, ElementsAre(0, 1, 1, 0, 1, 1));
  EXPECT_EQ(turns.Given().at("flood"), absl::Milliseconds(400));
}

TEST_F(TurnsTest, WithoutFairnessTheOldestGoes) {
  TurnOptions options;
  options.fair = false;
  Turns turns = Make(options);
  const std::vector<LaneHead> heads = {HeadOf("flood", 1), HeadOf("ann", 2)};
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(turns.Next(Worker(1), heads, kNow).head, 0u);
    Give(&turns, 1, HeadOf("flood", 1), 200);
  }
}

TEST_F(TurnsTest, TheLoadedModelGoesFirstForAWhile) {
  Turns turns = Make();
  Give(&turns, 1, HeadOf("ann", 9, "b"), 100);
  const std::vector<LaneHead> heads = {HeadOf("ann", 1, "a"),
                                       HeadOf("ann", 2, "b")};
  EXPECT_EQ(turns.Next(Worker(1), heads, kNow).head, 1u);
  EXPECT_EQ(turns.Next(Worker(2), heads, kNow).head, 0u);
  // Now the first head has waited for long enough.
  EXPECT_EQ(turns.Next(Worker(1), heads, kNow + absl::Seconds(5)).head, 0u);
}

TEST_F(TurnsTest, AnIdleWorkerThatHasTheModelIsBetter) {
  TurnOptions options;
  options.swap_ms = [](const Lessee&, const Lane&) { return 3'000; };
  Turns turns = Make(options);
  Give(&turns, 2, HeadOf("ann", 9, "a"), 100);
  others_ = {{Worker(1)}, {Worker(2)}};
  const std::vector<LaneHead> heads = {HeadOf("ann", 1, "a")};
  const auto turn = turns.Next(Worker(1), heads, kNow);
  EXPECT_FALSE(turn.head);
  EXPECT_EQ(turn.wait_until, kNow + absl::Seconds(5));
  EXPECT_EQ(turns.Next(Worker(2), heads, kNow).head, 0u);
  // The better worker never came.
  EXPECT_EQ(turns.Next(Worker(1), heads, turn.wait_until).head, 0u);
}

TEST_F(TurnsTest, ABusyOneIsBetterIfItIsFreeBeforeTheModelIsChanged) {
  TurnOptions options;
  options.swap_ms = [](const Lessee&, const Lane&) { return 3'000; };
  Turns turns = Make(options);
  Give(&turns, 2, HeadOf("ann", 9, "a"), 100);
  const std::vector<LaneHead> heads = {HeadOf("ann", 1, "a")};
  others_ = {{Worker(2), 2'000, 1}};
  EXPECT_FALSE(turns.Next(Worker(1), heads, kNow).head);
  others_ = {{Worker(2), 4'000, 1}};
  EXPECT_EQ(turns.Next(Worker(1), heads, kNow).head, 0u);
}

TEST_F(TurnsTest, NobodyWaitsForAWorkerThatCannotServe) {
  TurnOptions options;
  options.swap_ms = [](const Lessee&, const Lane&) { return 3'000; };
  Turns turns = Make(options);
  Give(&turns, 2, HeadOf("ann", 9, "a"), 100);
  others_ = {{Worker(2)}};
  others_[0].who.queues = {"night"};
  EXPECT_EQ(turns.Next(Worker(1), {HeadOf("ann", 1, "a")}, kNow).head, 0u);
}

TEST_F(TurnsTest, RoundRobinGoesOnWithTheNextThatWaits) {
  TurnOptions options;
  options.placement = batching::PlacementRule::kRoundRobin;
  Turns turns = Make(options);
  others_ = {{Worker(1)}, {Worker(2)}, {Worker(3), 500, 1}};
  Give(&turns, 1, HeadOf("ann", 9), 100);
  const std::vector<LaneHead> heads = {HeadOf("ann", 1)};
  EXPECT_FALSE(turns.Next(Worker(1), heads, kNow).head);
  EXPECT_EQ(turns.Next(Worker(2), heads, kNow).head, 0u);
}

TEST_F(TurnsTest, OneWorkerGivesWayToARun) {
  Turns turns = Make({});
  EXPECT_TRUE(turns.GivesWay(WorkerId{1}, RunId(JobId{1}, 0), kNow));
  EXPECT_TRUE(turns.GivesWay(WorkerId{1}, RunId(JobId{1}, 0), kNow));
  EXPECT_FALSE(turns.GivesWay(WorkerId{2}, RunId(JobId{1}, 0), kNow));
  EXPECT_TRUE(turns.GivesWay(WorkerId{2}, RunId(JobId{1}, 1), kNow));
  // The first worker did not give way, after all.
  EXPECT_TRUE(turns.GivesWay(WorkerId{2}, RunId(JobId{1}, 0),
                             kNow + absl::Seconds(11)));
}

}  // namespace
}  // namespace sheaf::server
