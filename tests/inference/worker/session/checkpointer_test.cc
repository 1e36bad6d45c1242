#include "inference/worker/session/checkpointer.h"

#include <gmock/gmock.h>

#include "tests/inference/worker/batches.h"
#include "tests/inference/worker/session_fixture.h"

namespace sheaf::worker {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

// A batch whose rows are saved every `every` steps.
v1::LeasedBatch SavedBatch(int every, const std::vector<RunArgs>& runs) {
  v1::LeasedBatch batch = MakeBatch(7, runs);
  batch.set_epoch(3);
  batch.set_checkpoint_steps(every);
  return batch;
}

class CheckpointerTest : public SessionTest {
 protected:
  // The steps of the run's saved states, in the order in which they came.
  std::vector<int> StepsSaved(const std::string& run) {
    std::vector<int> steps;
    for (const auto& saved : server_.Snapshot().saved) {
      if (saved.header.run() == run) steps.push_back(saved.header.step());
    }
    return steps;
  }
  bool WaitForSaves(size_t count) {
    return server_.WaitUntil([&](const FakeServerState& state) {
      return state.saved.size() >= count;
    });
  }
  // Options that save without a pause.
  static SessionOptions Eager() {
    SessionOptions options;
    options.checkpoint_pause = absl::ZeroDuration();
    return options;
  }
  void Step(int steps) {
    steps_ += steps;
    engine_.Allow(steps);
    ASSERT_TRUE(engine_.WaitForStepsBegun(steps_ + 1));
  }

  int steps_ = 0;
};

TEST_F(CheckpointerTest, RowsAreSavedEveryFewSteps) {
  engine_.SetSaveBytes(600'000);
  server_.AddBatch(SavedBatch(2, {{.steps = 5}, {.steps = 100}}));
  Run(&engine_, Eager());
  Step(2);
  ASSERT_TRUE(WaitForSaves(2));
  Step(2);
  ASSERT_TRUE(WaitForSaves(4));
  Step(2);
  ASSERT_TRUE(WaitForSaves(5));
  EXPECT_THAT(StepsSaved("jobs/7/runs/0"), ElementsAre(2, 4));
  EXPECT_THAT(StepsSaved("jobs/7/runs/1"), ElementsAre(2, 4, 6));
  for (const auto& saved : server_.Snapshot().saved) {
    const bool first = saved.header.run() == "jobs/7/runs/0";
    EXPECT_EQ(saved.bytes, std::string(600'000, first ? 'a' : 'b') +
                               std::to_string(saved.header.step()));
    EXPECT_EQ(saved.header.size_bytes(), saved.bytes.size());
    EXPECT_EQ(saved.header.worker(), "workers/1");
    EXPECT_EQ(saved.header.batch(), "batches/7");
    EXPECT_EQ(saved.header.epoch(), 3);
  }
}

TEST_F(CheckpointerTest, NothingIsSavedWhereTheServerWantsNone) {
  server_.AddBatch(SavedBatch(0, {{.steps = 8}}));
  Run(&engine_, Eager());
  engine_.Allow(8);
  ASSERT_TRUE(server_.WaitForOutcomes(1));
  EXPECT_THAT(server_.Snapshot().saved, IsEmpty());
}

TEST_F(CheckpointerTest, ShortStepsAreSavedOnlyAfterAPause) {
  SessionOptions options;
  options.checkpoint_pause = absl::Hours(1);
  server_.AddBatch(SavedBatch(1, {{.steps = 50}}));
  Run(&engine_, options);
  engine_.Allow(50);
  ASSERT_TRUE(server_.WaitForOutcomes(1));
  EXPECT_THAT(server_.Snapshot().saved, IsEmpty());
}

TEST_F(CheckpointerTest, ASlowServerHoldsUpNoStepAndGetsTheNewestState) {
  server_.With([](FakeServerState& state) { state.saves_wait = true; });
  server_.AddBatch(SavedBatch(1, {{.steps = 100}}));
  Run(&engine_, Eager());
  Step(1);
  ASSERT_TRUE(WaitForSaves(1));
  Step(40);
  server_.With([](FakeServerState& state) { state.saves_wait = false; });
  ASSERT_TRUE(WaitForSaves(2));
  EXPECT_THAT(StepsSaved("jobs/7/runs/0"), ElementsAre(1, 41));
}

TEST_F(CheckpointerTest, WhatHasEndedIsSentNoMore) {
  server_.With([](FakeServerState& state) { state.saves_wait = true; });
  server_.AddBatch(SavedBatch(1, {{.steps = 9}}));
  Run(&engine_, Eager());
  Step(1);
  ASSERT_TRUE(WaitForSaves(1));
  engine_.Allow(8);
  ASSERT_TRUE(server_.WaitForOutcomes(1));
  server_.With([](FakeServerState& state) { state.saves_wait = false; });
  server_.AddBatch(MakeBatch(8, {{.steps = 1}}));
  engine_.Allow(1);
  ASSERT_TRUE(server_.WaitForOutcomes(2));
  EXPECT_THAT(StepsSaved("jobs/7/runs/0"), ElementsAre(1));
}

TEST_F(CheckpointerTest, WhatIsHandedBackIsSavedFirst) {
  SessionOptions options;
  options.checkpoint_pause = absl::Hours(1);
  server_.AddBatch(SavedBatch(10, {{.steps = 100}, {.steps = 100}}));
  Run(&engine_, options);
  v1::ReportProgressResponse orders;
  orders.add_release_runs("jobs/7/runs/1");
  GiveOrdersDuringStep(3, orders);
  engine_.Allow(1);
  ASSERT_TRUE(server_.WaitForOutcomes(1));
  const FakeServerState state = server_.Snapshot();
  EXPECT_TRUE(state.Outcomes().at("jobs/7/runs/1").released());
  ASSERT_EQ(state.saved.size(), 1u);
  EXPECT_EQ(state.saved[0].header.run(), "jobs/7/runs/1");
  EXPECT_EQ(state.saved[0].header.step(), 3);
}

TEST_F(CheckpointerTest, AServerThatIsAwayIsWaitedForOnce) {
  server_.With([](FakeServerState& state) { state.saves_wait = true; });
  SessionOptions options;
  options.checkpoint_pause = absl::Hours(1);
  server_.AddBatch(SavedBatch(10, {{.steps = 9}, {.steps = 9}, {.steps = 9}}));
  Run(&engine_, options);
  v1::ReportProgressResponse orders;
  for (const char* run : {"jobs/7/runs/0", "jobs/7/runs/1", "jobs/7/runs/2"}) {
    orders.add_release_runs(run);
  }
  GiveOrdersDuringStep(3, orders);
  engine_.Allow(1);
  ASSERT_TRUE(server_.WaitForOutcomes(3));
  EXPECT_THAT(server_.Snapshot().saved, SizeIs(1));
}

TEST_F(CheckpointerTest, WhatIsCancelledIsNotSaved) {
  server_.AddBatch(SavedBatch(10, {{.steps = 100}}));
  Run(&engine_, Eager());
  v1::ReportProgressResponse orders;
  orders.add_cancel_runs("jobs/7/runs/0");
  GiveOrdersDuringStep(3, orders);
  engine_.Allow(1);
  ASSERT_TRUE(server_.WaitForOutcomes(1));
  EXPECT_THAT(server_.Snapshot().saved, IsEmpty());
}

TEST_F(CheckpointerTest, ARunGoesOnFromItsCheckpointAndIsSavedAfterIt) {
  auto& engine = Keep<SimulatedEngine>(Fast());
  v1::LeasedBatch batch = SavedBatch(10, {{.steps = 100}, {.steps = 100}});
  batch.mutable_runs(1)->set_checkpoint_step(85);
  server_.With([](FakeServerState& state) {
    state.checkpoints["jobs/7/runs/1"] = "simulated: 85 of 100 steps";
  });
  server_.AddBatch(batch);
  Run(&engine, Eager());
  ASSERT_TRUE(server_.WaitForOutcomes(2));
  const FakeServerState state = server_.Snapshot();
  ASSERT_EQ(state.loads.size(), 1u);
  EXPECT_EQ(state.loads[0].run(), "jobs/7/runs/1");
  EXPECT_EQ(state.loads[0].worker(), "workers/1");
  EXPECT_EQ(state.loads[0].batch(), "batches/7");
  EXPECT_EQ(state.loads[0].epoch(), 3);
  for (const int step : StepsSaved("jobs/7/runs/1")) EXPECT_EQ(step, 95);
}

TEST_F(CheckpointerTest, ACheckpointThatCannotBeHadCostsOnlyItsSteps) {
  auto& engine = Keep<SimulatedEngine>(Fast());
  v1::LeasedBatch batch = SavedBatch(10, {{.steps = 20}});
  batch.mutable_runs(0)->set_checkpoint_step(10);
  server_.With([](FakeServerState& state) {
    state.load_error = grpc::Status(grpc::StatusCode::NOT_FOUND, "none");
  });
  server_.AddBatch(batch);
  Run(&engine, Eager());
  ASSERT_TRUE(server_.WaitForOutcomes(1));
  EXPECT_TRUE(server_.Snapshot().Outcomes().at("jobs/7/runs/0").has_success());
}

}  // namespace
}  // namespace sheaf::worker
