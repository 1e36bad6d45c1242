#include "inference/worker/session/session.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "inference/engine/image/png.h"
#include "tests/inference/worker/batches.h"
#include "tests/inference/worker/session_fixture.h"

namespace sheaf::worker {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

TEST_F(SessionTest, WorkerPresentsItselfWithItsDevices) {
  auto& engine = Keep<SimulatedEngine>(Fast());
  SessionOptions options;
  options.hello.add_queues("queues/fast");
  Run(&engine, options);
  ASSERT_TRUE(server_.WaitUntil(
      [](const FakeServerState& state) { return state.lease_calls == 1; }));
  const auto hello = server_.Snapshot().registered.at(0);
  EXPECT_EQ(hello.display_name(), "test");
  EXPECT_THAT(hello.queues(), ElementsAre("queues/fast"));
  ASSERT_EQ(hello.devices_size(), 1);
  EXPECT_EQ(hello.devices(0).name(), "simulated");
  ASSERT_EQ(hello.catalog().models_size(), 1);
  EXPECT_EQ(hello.catalog().models(0).name(), "*");
  EXPECT_EQ(hello.catalog().models(0).defaults().steps(), 20);
  EXPECT_FALSE(hello.measures());
}

TEST_F(SessionTest, PicturesAreStoredAndNamedInTheOutcomes) {
  auto& engine = Keep<SimulatedEngine>(Fast());
  Run(&engine);
  server_.AddBatch(MakeBatch(1, {{.seed = 1}, {.seed = 2}}));
  ASSERT_TRUE(server_.WaitForOutcomes(2));
  const FakeServerState state = server_.Snapshot();
  for (const auto& [run, outcome] : state.Outcomes()) {
    ASSERT_EQ(outcome.success().outputs_size(), 1) << run;
    const v1::Output& output = outcome.success().outputs(0);
    EXPECT_EQ(outcome.attempt(), 1);
    EXPECT_EQ(output.media_type(), "image/png");
    EXPECT_TRUE(engine::DecodePng(state.artifacts.at(output.artifact())).ok());
  }
  EXPECT_EQ(state.finishes.at(0).batch(), "batches/1");
  EXPECT_EQ(state.finishes.at(0).epoch(), 1);
  EXPECT_EQ(state.finishes.at(0).worker(), "workers/1");
}

// An engine that leaves two more files with each picture.
class Generous : public FakeEngine {
 public:
  explicit Generous(absl::StatusOr<std::string> last)
      : FakeEngine("picture"), last_(std::move(last)) {}

 private:
  std::vector<RowEnd> Step() override {
    std::vector<RowEnd> ends = FakeEngine::Step();
    for (RowEnd& end : ends) {
      end.more.push_back({"control-edge", [] { return std::string("edges"); }});
      end.more.push_back({"control-vis", [last = last_] { return last; }});
    }
    return ends;
  }

  const absl::StatusOr<std::string> last_;
};

TEST_F(SessionTest, AllFilesOfARowAreStoredBeforeItsOutcomeIsTold) {
  auto& engine = Keep<Generous>(std::string("blur"));
  Run(&engine);
  engine.Allow(kFarMoreSteps);
  server_.AddBatch(MakeBatch(1, {{}, {.seed = 2}}));
  ASSERT_TRUE(server_.WaitForOutcomes(2));
  const FakeServerState state = server_.Snapshot();
  for (const auto& [run, outcome] : state.Outcomes()) {
    std::string text;
    for (const v1::Output& output : outcome.success().outputs()) {
      text += output.name() + " " + state.artifacts.at(output.artifact()) + ";";
    }
    EXPECT_EQ(text, "image picture;control-edge edges;control-vis blur;")
        << run;
  }
  StopAndJoin();
}

TEST_F(SessionTest, ARowFailsWhereOneOfItsFilesCannotBeMade) {
  auto& engine = Keep<Generous>(absl::InternalError("no ink"));
  Run(&engine);
  engine.Allow(kFarMoreSteps);
  server_.AddBatch(MakeBatch(1, {{}}));
  ASSERT_TRUE(server_.WaitForOutcomes(1));
  const auto outcomes = server_.Snapshot().Outcomes();
  EXPECT_THAT(outcomes.at("jobs/1/runs/0").failure().message(),
              HasSubstr("no ink"));
  StopAndJoin();
}

TEST_F(SessionTest, RowsThatEndTogetherAreReportedInOneCall) {
  auto& engine = Keep<SimulatedEngine>(Fast());
  Run(&engine);
  server_.AddBatch(MakeBatch(1, {{}, {.seed = 2}, {.seed = 3}, {.seed = 4}}));
  ASSERT_TRUE(server_.WaitForOutcomes(4));
  EXPECT_THAT(server_.Snapshot().finishes, SizeIs(1));
}

TEST_F(SessionTest, OutcomesSayHowLongTheEngineHasWorked) {
  SimulatedEngineOptions options = Fast();
  options.time_scale = 1;  // 20 ms a step, which a slow machine only lengthens.
  auto& engine = Keep<SimulatedEngine>(std::move(options));
  Run(&engine);
  const auto worked = [](const v1::FinishRunsRequest& finish) {
    return finish.engine_time().seconds() + finish.engine_time().nanos() * 1e-9;
  };
  server_.AddBatch(MakeBatch(1, {{.steps = 2}}));
  server_.AddBatch(MakeBatch(2, {{.steps = 2}}));
  ASSERT_TRUE(server_.WaitForOutcomes(2));
  const FakeServerState state = server_.Snapshot();
  EXPECT_GT(worked(state.finishes.at(0)), 0);
  // The time includes both batches.
  EXPECT_GT(worked(state.finishes.at(1)), worked(state.finishes.at(0)));
}

TEST_F(SessionTest, RowThatEndsEarlyIsReportedEarly) {
  Run(&engine_);
  server_.AddBatch(MakeBatch(1, {{.steps = 1}, {.steps = kFarMoreSteps}}));
  engine_.Allow(1);
  ASSERT_TRUE(server_.WaitForOutcomes(1));
  const auto outcomes = server_.Snapshot().Outcomes();
  EXPECT_TRUE(outcomes.at("jobs/1/runs/0").has_success());
  EXPECT_EQ(engine_.log().size(), 1u);
}

TEST_F(SessionTest, OneBadRowFailsAlone) {
  SimulatedEngineOptions options = Fast();
  options.faults = *ParseFaults("nan@row=1");
  auto& engine = Keep<SimulatedEngine>(options);
  Run(&engine);
  server_.AddBatch(MakeBatch(1, {{}, {}, {}}));
  ASSERT_TRUE(server_.WaitForOutcomes(3));
  const auto outcomes = server_.Snapshot().Outcomes();
  EXPECT_TRUE(outcomes.at("jobs/1/runs/0").has_success());
  EXPECT_EQ(outcomes.at("jobs/1/runs/1").failure().error_class(),
            v1::ERROR_CLASS_ENGINE);
  EXPECT_TRUE(outcomes.at("jobs/1/runs/2").has_success());
}

TEST_F(SessionTest, EngineThatThrowsFailsTheRowsStillAliveAndWorkGoesOn) {
  SimulatedEngineOptions options = Fast();
  options.faults = *ParseFaults("exception@step=2,prompt~boom");
  auto& engine = Keep<SimulatedEngine>(options);
  Run(&engine);
  server_.AddBatch(MakeBatch(1, {{.steps = 1}, {.prompt = "boom"}}));
  server_.AddBatch(MakeBatch(2, {{}}));
  ASSERT_TRUE(server_.WaitForOutcomes(3));
  const auto outcomes = server_.Snapshot().Outcomes();
  EXPECT_TRUE(outcomes.at("jobs/1/runs/0").has_success());
  const v1::RunError& error = outcomes.at("jobs/1/runs/1").failure();
  EXPECT_EQ(error.error_class(), v1::ERROR_CLASS_ENGINE);
  EXPECT_THAT(error.message(), HasSubstr("exception at step 2"));
  EXPECT_TRUE(outcomes.at("jobs/2/runs/0").has_success());
}

TEST_F(SessionTest, CancelledRunStopsAtTheNextStepAndNoOtherDoes) {
  Run(&engine_);
  server_.AddBatch(MakeBatch(1, {{.steps = 4}, {.steps = 4}, {.steps = 4}}));
  v1::ReportProgressResponse orders;
  orders.add_cancel_runs("jobs/1/runs/0");
  orders.add_release_runs("jobs/1/runs/2");
  GiveOrdersDuringStep(2, orders);
  engine_.Allow(3);
  ASSERT_TRUE(server_.WaitForOutcomes(3));
  EXPECT_THAT(engine_.log(),
              ElementsAre(ElementsAre(0, 1, 2), ElementsAre(0, 1, 2),
                          ElementsAre(1), ElementsAre(1)));
  const auto outcomes = server_.Snapshot().Outcomes();
  EXPECT_TRUE(outcomes.at("jobs/1/runs/0").cancelled());
  EXPECT_TRUE(outcomes.at("jobs/1/runs/1").has_success());
  EXPECT_TRUE(outcomes.at("jobs/1/runs/2").released());
}

TEST_F(SessionTest, ReportsTellTheStepsOfLiveRows) {
  Run(&engine_);
  server_.AddBatch(MakeBatch(1, {{.steps = 1}, {.steps = 9}}));
  engine_.Allow(2);
  ASSERT_TRUE(engine_.WaitForStepsBegun(3));
  server_.Signal(/*report_now=*/true, /*drain=*/false);
  ASSERT_TRUE(server_.WaitUntil(
      [](const FakeServerState& state) { return !state.reports.empty(); }));
  const v1::ReportProgressRequest report = server_.Snapshot().reports.back();
  EXPECT_EQ(report.worker(), "workers/1");
  EXPECT_EQ(report.batch(), "batches/1");
  ASSERT_EQ(report.steps_size(), 1);
  EXPECT_EQ(report.steps(0).run(), "jobs/1/runs/1");
  EXPECT_EQ(report.steps(0).step(), 2);
  EXPECT_EQ(report.steps(0).step_count(), 9);
}

TEST_F(SessionTest, HeartbeatsGoOnDuringALongStep) {
  Run(&engine_, OnClock());
  server_.AddBatch(MakeBatch(1, {{}}));
  ASSERT_TRUE(engine_.WaitForStepsBegun(1));
  for (int i = 0; i < 5; ++i) Advance(absl::Seconds(3));
  EXPECT_THAT(server_.Snapshot().reports, SizeIs(5));
  EXPECT_THAT(engine_.log(), IsEmpty());
}

TEST_F(SessionTest, LostLeaseIsDroppedSilentlyAndWorkGoesOn) {
  Run(&engine_);
  server_.AddBatch(MakeBatch(1, {{.steps = 9}, {.steps = 9}}));
  v1::ReportProgressResponse orders;
  orders.set_lease_lost(true);
  GiveOrdersDuringStep(2, orders);
  server_.With([](FakeServerState& state) { state.orders.Clear(); });
  server_.AddBatch(MakeBatch(2, {{.steps = 1}}));
  engine_.Allow(2);
  ASSERT_TRUE(server_.WaitForOutcomes(1));
  const FakeServerState state = server_.Snapshot();
  EXPECT_EQ(state.Outcomes().begin()->first, "jobs/2/runs/0");
  EXPECT_THAT(state.releases, IsEmpty());
  EXPECT_THAT(engine_.log(), SizeIs(3));
}

TEST_F(SessionTest, LostLeaseDropsUploadsUnderWay) {
  server_.With([](FakeServerState& state) {
    state.uploads_wait = true;
    state.heartbeat_interval = absl::Milliseconds(20);
  });
  auto& engine = Keep<SimulatedEngine>(Fast());
  Run(&engine);
  server_.AddBatch(MakeBatch(1, {{}, {}}));
  ASSERT_TRUE(server_.WaitUntil(
      [](const FakeServerState& state) { return !state.reports.empty(); }));
  server_.With(
      [](FakeServerState& state) { state.orders.set_lease_lost(true); });
  ASSERT_TRUE(server_.WaitUntil(
      [](const FakeServerState& state) { return state.lease_calls == 1; }));
  EXPECT_THAT(server_.Snapshot().finishes, IsEmpty());
}

TEST_F(SessionTest, StopHandsBackWhatIsNotFinishedAndLeaves) {
  Run(&engine_);
  server_.AddBatch(MakeBatch(1, {{.steps = 1}, {.steps = kFarMoreSteps}}));
  engine_.Allow(1);
  ASSERT_TRUE(server_.WaitForOutcomes(1));
  session_->Stop();
  engine_.Allow(1);
  ASSERT_TRUE(Returns());
  EXPECT_TRUE(Result().ok());
  const FakeServerState state = server_.Snapshot();
  EXPECT_THAT(state.Outcomes(), SizeIs(1));
  ASSERT_THAT(state.releases, SizeIs(1));
  EXPECT_EQ(state.releases[0].batch(), "batches/1");
  EXPECT_EQ(state.releases[0].epoch(), 1);
  EXPECT_THAT(state.deregistered, ElementsAre("workers/1"));
}

TEST_F(SessionTest, IdleWorkerStopsAtOnce) {
  Run(&engine_);
  ASSERT_TRUE(server_.WaitUntil(
      [](const FakeServerState& state) { return state.lease_calls == 1; }));
  session_->Stop();
  ASSERT_TRUE(Returns(absl::Seconds(2)));
  EXPECT_THAT(server_.Snapshot().deregistered, ElementsAre("workers/1"));
  EXPECT_THAT(server_.Snapshot().releases, IsEmpty());
}

TEST_F(SessionTest, StopDoesNotWaitForAServerThatIsGone) {
  server_.Shutdown();
  Run(&engine_, OnClock());
  ASSERT_TRUE(clock_.WaitForWaiters());  // The first try has failed.
  EXPECT_FALSE(Returns(absl::ZeroDuration()));
  session_->Stop();
  EXPECT_TRUE(Returns(absl::Seconds(2)));
}

TEST_F(SessionTest, StopDoesNotWaitForUploadsThatDoNotEnd) {
  server_.With([](FakeServerState& state) { state.uploads_wait = true; });
  auto& engine = Keep<SimulatedEngine>(Fast());
  Run(&engine);
  server_.AddBatch(MakeBatch(1, {{}}));
  ASSERT_TRUE(server_.WaitUntil(
      [](const FakeServerState& state) { return state.uploads_open == 1; }));
  session_->Stop();
  ASSERT_TRUE(Returns(absl::Seconds(4)));
  EXPECT_THAT(server_.Snapshot().releases, SizeIs(1));
  EXPECT_THAT(server_.Snapshot().deregistered, SizeIs(1));
  EXPECT_THAT(server_.Snapshot().finishes, IsEmpty());
}

TEST_F(SessionTest, AbandonSaysGoodbyeForAnEngineThatHangs) {
  Run(&engine_);
  server_.AddBatch(MakeBatch(1, {{}}));
  ASSERT_TRUE(engine_.WaitForStepsBegun(1));
  session_->Stop();
  EXPECT_FALSE(Returns(absl::Milliseconds(200)));
  session_->Abandon();
  EXPECT_THAT(server_.Snapshot().deregistered, ElementsAre("workers/1"));
}

TEST_F(SessionTest, DrainedWorkerFinishesWhatItHasAndLeaves) {
  Run(&engine_);
  server_.AddBatch(MakeBatch(1, {{.steps = 2}}));
  ASSERT_TRUE(engine_.WaitForStepsBegun(1));
  server_.AddBatch(MakeBatch(2, {{}}));
  v1::ReportProgressResponse orders;
  orders.set_drain(true);
  GiveOrdersDuringStep(1, orders);
  engine_.Allow(2);
  ASSERT_TRUE(Returns());
  const FakeServerState state = server_.Snapshot();
  EXPECT_TRUE(state.Outcomes().at("jobs/1/runs/0").has_success());
  EXPECT_THAT(state.batches, SizeIs(1));
  EXPECT_THAT(state.deregistered, ElementsAre("workers/1"));
}

TEST_F(SessionTest, IdleWorkerLeavesWhenASignalDrainsIt) {
  Run(&engine_);
  ASSERT_TRUE(server_.WaitUntil(
      [](const FakeServerState& state) { return state.lease_calls == 1; }));
  server_.Signal(/*report_now=*/false, /*drain=*/true);
  EXPECT_TRUE(Returns(absl::Seconds(2)));
}

TEST_F(SessionTest, WorkerLeavesWhenALeaseAnswerDrainsIt) {
  server_.With([](FakeServerState& state) { state.drain = true; });
  Run(&engine_);
  EXPECT_TRUE(Returns());
  EXPECT_THAT(server_.Snapshot().deregistered, SizeIs(1));
}

TEST_F(SessionTest, OnceLeavesAfterOneBatch) {
  auto& engine = Keep<SimulatedEngine>(Fast());
  server_.AddBatch(MakeBatch(1, {{}}));
  server_.AddBatch(MakeBatch(2, {{}}));
  Run(&engine, {.once = true});
  ASSERT_TRUE(Returns());
  EXPECT_THAT(server_.Snapshot().Outcomes(), SizeIs(1));
  EXPECT_THAT(server_.Snapshot().batches, SizeIs(1));
}

TEST_F(SessionTest, WorkerRefusedForGoodReturnsTheReason) {
  server_.With([](FakeServerState& state) {
    state.register_error =
        grpc::Status(grpc::StatusCode::INVALID_ARGUMENT, "bad queue name");
  });
  Run(&engine_);
  ASSERT_TRUE(Returns());
  EXPECT_EQ(Result().code(), absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace sheaf::worker
