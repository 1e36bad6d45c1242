// Batches that join others between two steps, and batches that begin while
// pictures of the last are on their way.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/inference/worker/batches.h"
#include "tests/inference/worker/session_fixture.h"

namespace sheaf::worker {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class SessionJoinTest : public SessionTest {
 protected:
  SessionOptions AtOnce() {
    SessionOptions options;
    options.join_age = absl::ZeroDuration();
    return options;
  }
  // Brings batch 1, of one run, into its second step, and waits until the
  // worker asks for batches to join.
  void BeginFirst(int steps) {
    server_.AddBatch(MakeBatch(1, {{.steps = steps}}));
    engine_.Allow(1);
    ASSERT_TRUE(engine_.WaitForStepsBegun(2));
    ASSERT_TRUE(server_.WaitUntil(
        [](const FakeServerState& state) { return state.asks_open == 1; }));
  }
  // Hands out `batch`, to join before the step after the present one.
  void Join(const v1::LeasedBatch& batch) {
    server_.With([&](FakeServerState& state) { state.joins.push_back(batch); });
    ASSERT_TRUE(server_.WaitUntil([](const FakeServerState& state) {
      return state.joins.empty() && state.asks_open == 0;
    }));
    absl::SleepFor(absl::Milliseconds(100));  // The answer is on its way.
  }
};

TEST_F(SessionJoinTest, BatchJoinsBetweenTwoStepsAndEndsByItself) {
  Run(&engine_, AtOnce());
  BeginFirst(/*steps=*/6);
  Join(MakeBatch(2, {{.steps = 1}, {.steps = 2}}));
  engine_.Allow(3);
  ASSERT_TRUE(server_.WaitForOutcomes(2));
  engine_.Allow(2);
  ASSERT_TRUE(server_.WaitForOutcomes(3));
  EXPECT_THAT(engine_.log(),
              ElementsAre(ElementsAre(0), ElementsAre(0), ElementsAre(0, 1, 2),
                          ElementsAre(0, 2), ElementsAre(0), ElementsAre(0)));
  const FakeServerState state = server_.Snapshot();
  for (const auto& finish : state.finishes) {
    for (const auto& outcome : finish.outcomes()) {
      EXPECT_EQ(outcome.run().substr(0, 6),
                finish.batch() == "batches/1" ? "jobs/1" : "jobs/2");
    }
  }
  EXPECT_THAT(state.releases, IsEmpty());
}

TEST_F(SessionJoinTest, QuestionNamesTheBatchAndTheRowsAtHand) {
  Run(&engine_, AtOnce());
  BeginFirst(/*steps=*/kFarMoreSteps);
  EXPECT_EQ(server_.Snapshot().asked.at(0).beside(), "batches/1");
  EXPECT_EQ(server_.Snapshot().asked.at(0).row_count(), 1);
  EXPECT_EQ(server_.Snapshot().asked.at(0).worker(), "workers/1");
  Join(MakeBatch(2, {{.steps = 2}, {.steps = kFarMoreSteps}}));
  engine_.Allow(1);
  ASSERT_TRUE(server_.WaitUntil([](const FakeServerState& state) {
    return state.asked.back().row_count() == 3;
  }));
  engine_.Allow(4);
  ASSERT_TRUE(server_.WaitForOutcomes(1));
  absl::SleepFor(absl::Milliseconds(100));
  engine_.Allow(2);
  ASSERT_TRUE(server_.WaitUntil([](const FakeServerState& state) {
    return state.asked.back().row_count() == 2 && state.asks_open == 1;
  }));
}

TEST_F(SessionJoinTest, NobodyIsAskedWhereItIsOffOrForABatchThatIsYoung) {
  SessionOptions off = AtOnce();
  off.join = false;
  Run(&engine_, off);
  server_.AddBatch(MakeBatch(1, {{.steps = 9}}));
  engine_.Allow(9);
  ASSERT_TRUE(server_.WaitForOutcomes(1));
  StopAndJoin();
  SessionOptions old = AtOnce();
  old.join_age = absl::Hours(1);
  auto& engine = Keep<FakeEngine>();
  Run(&engine, old);
  server_.AddBatch(MakeBatch(2, {{.steps = 9}}));
  engine.Allow(9);
  ASSERT_TRUE(server_.WaitForOutcomes(2));
  StopAndJoin();
  EXPECT_THAT(server_.Snapshot().asked, IsEmpty());
}

TEST_F(SessionJoinTest, NobodyIsAskedForRowsInTheirLastStep) {
  Run(&engine_, AtOnce());
  server_.AddBatch(MakeBatch(1, {{.steps = 2}}));
  engine_.Allow(2);
  ASSERT_TRUE(server_.WaitForOutcomes(1));
  EXPECT_THAT(server_.Snapshot().asked, IsEmpty());
}

TEST_F(SessionJoinTest, LostLeaseOfOneBatchLeavesTheOtherAlone) {
  server_.With([](FakeServerState& state) {
    state.heartbeat_interval = absl::Milliseconds(20);
  });
  Run(&engine_, AtOnce());
  BeginFirst(/*steps=*/5);
  Join(MakeBatch(2, {{.steps = 5}}));
  engine_.Allow(1);
  ASSERT_TRUE(engine_.WaitForStepsBegun(3));
  server_.With([](FakeServerState& state) { state.lost = "batches/1"; });
  absl::SleepFor(absl::Milliseconds(200));
  engine_.Allow(5);
  ASSERT_TRUE(server_.WaitForOutcomes(1));
  EXPECT_TRUE(server_.Snapshot().Outcomes().at("jobs/2/runs/0").has_success());
  EXPECT_THAT(engine_.log(), Contains(ElementsAre(1)).Times(4));
  EXPECT_THAT(server_.Snapshot().releases, IsEmpty());
}

TEST_F(SessionJoinTest, CancelledRunOfOneBatchLeavesTheOtherAlone) {
  Run(&engine_, AtOnce());
  BeginFirst(/*steps=*/5);
  Join(MakeBatch(2, {{.steps = 5}}));
  v1::ReportProgressResponse orders;
  orders.add_cancel_runs("jobs/2/runs/0");
  engine_.Allow(1);
  ASSERT_TRUE(engine_.WaitForStepsBegun(3));
  server_.With([&](FakeServerState& state) { state.orders = orders; });
  server_.Signal(/*report_now=*/true, /*drain=*/false);
  ASSERT_TRUE(server_.WaitUntil(
      [](const FakeServerState& state) { return state.reports.size() >= 2; }));
  absl::SleepFor(absl::Milliseconds(100));
  engine_.Allow(4);
  ASSERT_TRUE(server_.WaitForOutcomes(2));
  const auto outcomes = server_.Snapshot().Outcomes();
  EXPECT_TRUE(outcomes.at("jobs/1/runs/0").has_success());
  EXPECT_TRUE(outcomes.at("jobs/2/runs/0").cancelled());
}

TEST_F(SessionJoinTest, StopHandsBackEveryBatchAtHand) {
  Run(&engine_, AtOnce());
  BeginFirst(/*steps=*/kFarMoreSteps);
  Join(MakeBatch(2, {{.steps = kFarMoreSteps}}));
  engine_.Allow(1);
  ASSERT_TRUE(engine_.WaitForStepsBegun(3));
  session_->Stop();
  engine_.Allow(1);
  ASSERT_TRUE(Returns(absl::Seconds(2)));
  EXPECT_THAT(server_.Snapshot().releases, SizeIs(2));
  EXPECT_THAT(server_.Snapshot().deregistered, ElementsAre("workers/1"));
}

TEST_F(SessionJoinTest, ThrownWordsFailTheRowsOfAllBatches) {
  SimulatedEngineOptions options;
  options.step_time = absl::Milliseconds(10);
  options.faults = *ParseFaults("exception@prompt~boom");
  auto& engine = Keep<SimulatedEngine>(options);
  Run(&engine, AtOnce());
  server_.AddBatch(MakeBatch(1, {{.steps = kFarMoreSteps}}));
  ASSERT_TRUE(server_.WaitUntil(
      [](const FakeServerState& state) { return state.asks_open == 1; }));
  server_.With([](FakeServerState& state) {
    state.joins.push_back(MakeBatch(2, {{.prompt = "boom"}}));
  });
  ASSERT_TRUE(server_.WaitForOutcomes(2));
  for (const auto& [run, outcome] : server_.Snapshot().Outcomes()) {
    EXPECT_EQ(outcome.failure().error_class(), v1::ERROR_CLASS_ENGINE) << run;
  }
}

TEST_F(SessionJoinTest, AnswerThatMayBeLostEndsInAGoodbye) {
  Run(&engine_, AtOnce());
  server_.With([](FakeServerState& state) {
    state.ask_error = grpc::Status(grpc::StatusCode::UNAVAILABLE, "on order");
  });
  server_.AddBatch(MakeBatch(1, {{.steps = 4}}));
  engine_.Allow(2);
  ASSERT_TRUE(server_.WaitUntil(
      [](const FakeServerState& state) { return !state.asked.empty(); }));
  absl::SleepFor(absl::Milliseconds(100));
  engine_.Allow(2);
  ASSERT_TRUE(server_.WaitUntil([](const FakeServerState& state) {
    return state.registered.size() == 2;
  }));
  EXPECT_TRUE(server_.Snapshot().Outcomes().at("jobs/1/runs/0").has_success());
}

TEST_F(SessionJoinTest, NextBatchBeginsWhilePicturesAreOnTheirWay) {
  server_.With([](FakeServerState& state) { state.uploads_wait = true; });
  auto& engine = Keep<FakeEngine>("a picture");
  Run(&engine);
  server_.AddBatch(MakeBatch(1, {{.steps = 1}}));
  server_.AddBatch(MakeBatch(2, {{.steps = 2}}));
  engine.Allow(2);
  ASSERT_TRUE(engine.WaitForStepsBegun(3));
  EXPECT_THAT(server_.Snapshot().finishes, IsEmpty());
  server_.With([](FakeServerState& state) { state.uploads_wait = false; });
  ASSERT_TRUE(server_.WaitForOutcomes(1));
  EXPECT_THAT(engine.log(), SizeIs(2));
  engine.Allow(1);
  ASSERT_TRUE(server_.WaitForOutcomes(2));
  StopAndJoin();
}

TEST_F(SessionJoinTest, UploadsThatDoNotEndHoldUpTheDeviceAtLast) {
  server_.With([](FakeServerState& state) { state.uploads_wait = true; });
  auto& engine = Keep<FakeEngine>("a picture");
  Run(&engine);
  for (int id = 1; id <= 9; ++id) {
    server_.AddBatch(MakeBatch(id, {{.steps = 1}}));
  }
  engine.Allow(kFarMoreSteps);
  absl::SleepFor(absl::Milliseconds(500));
  EXPECT_THAT(engine.log(), SizeIs(ActiveBatches::kEndedMax));
  server_.With([](FakeServerState& state) { state.uploads_wait = false; });
  ASSERT_TRUE(server_.WaitForOutcomes(9));
  StopAndJoin();
}

}  // namespace
}  // namespace sheaf::worker
