// How a worker behaves when the server is away, slow or out of sorts.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>

#include "tests/inference/worker/batches.h"
#include "tests/inference/worker/session_fixture.h"

namespace sheaf::worker {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class SessionTroubleTest : public SessionTest {
 protected:
  // Runs a batch up to its first step, and counts stalls from then on.
  void RunCountingStalls(FakeEngine* engine,
                         const std::vector<RunArgs>& runs = {{.steps = 1}}) {
    SessionOptions options = OnClock();
    options.stall_timeout = absl::Seconds(60);
    options.on_stall = [this] { ++stalls_; };
    Run(engine, options);
    server_.AddBatch(MakeBatch(1, runs));
    ASSERT_TRUE(engine->WaitForStepsBegun(1));
  }

  std::atomic<int> stalls_ = 0;
};

grpc::Status Error(grpc::StatusCode code) { return {code, "on order"}; }

TEST_F(SessionTroubleTest, WorkerThatStartsFirstFindsItsServerLater) {
  server_.Shutdown();
  Run(&engine_, OnClock());
  ASSERT_TRUE(clock_.WaitForWaiters());  // The first try has failed.
  server_.Start();
  EXPECT_TRUE(AdvanceUntil(
      [](const FakeServerState& state) { return state.lease_calls == 1; }));
}

// gRPC answers UNIMPLEMENTED for a server that has no memory to read the call.
TEST_F(SessionTroubleTest, ServerThatKnewTheWorkerOnceIsAskedAgain) {
  auto& engine = Keep<SimulatedEngine>(Fast());
  Run(&engine);
  ASSERT_TRUE(server_.WaitUntil(
      [](const FakeServerState& state) { return state.lease_calls == 1; }));
  server_.Shutdown();
  server_.With([](FakeServerState& state) {
    state.register_error = Error(grpc::StatusCode::UNIMPLEMENTED);
  });
  server_.Start();
  EXPECT_FALSE(Returns(absl::Milliseconds(300)));
  server_.With([](FakeServerState& state) { state.register_error.reset(); });
  EXPECT_TRUE(server_.WaitUntil([](const FakeServerState& state) {
    return state.registered.size() >= 2 && state.lease_calls == 1;
  }));
}

TEST_F(SessionTroubleTest, IdleWorkerRegistersAgainWhenTheServerIsBack) {
  auto& engine = Keep<SimulatedEngine>(Fast());
  Run(&engine);
  ASSERT_TRUE(server_.WaitUntil(
      [](const FakeServerState& state) { return state.lease_calls == 1; }));
  server_.Shutdown();
  server_.Start();
  ASSERT_TRUE(server_.WaitUntil([](const FakeServerState& state) {
    return state.registered.size() == 2;
  }));
  server_.AddBatch(MakeBatch(1, {{}}));
  ASSERT_TRUE(server_.WaitForOutcomes(1));
  EXPECT_EQ(server_.Snapshot().finishes[0].worker(), "workers/2");
}

TEST_F(SessionTroubleTest, BatchOutlivesAServerThatRestarts) {
  server_.With(
      [](FakeServerState& state) { state.lease_duration = absl::Hours(1); });
  Run(&engine_, OnClock());
  server_.AddBatch(MakeBatch(1, {{.steps = 3}}));
  engine_.Allow(1);
  ASSERT_TRUE(engine_.WaitForStepsBegun(2));
  server_.Shutdown();
  engine_.Allow(2);
  // The reporter's thread and the session's have tried in vain.
  ASSERT_TRUE(clock_.WaitForWaiters(2));
  server_.Start();
  ASSERT_TRUE(AdvanceUntil(
      [](const FakeServerState& state) { return !state.finishes.empty(); }));
  const FakeServerState state = server_.Snapshot();
  EXPECT_TRUE(state.Outcomes().at("jobs/1/runs/0").has_success());
  EXPECT_EQ(state.finishes[0].worker(), "workers/1");
  EXPECT_TRUE(AdvanceUntil([](const FakeServerState& state) {
    return state.registered.size() == 2;
  }));
}

TEST_F(SessionTroubleTest, LeaseThatHasCertainlyExpiredIsDropped) {
  server_.With([](FakeServerState& state) {
    state.lease_duration = absl::Seconds(40);
    state.heartbeat_interval = absl::Seconds(10);
  });
  Run(&engine_, OnClock());
  server_.AddBatch(MakeBatch(1, {{.steps = 2}, {.steps = kFarMoreSteps}}));
  ASSERT_TRUE(engine_.WaitForStepsBegun(1));
  server_.Shutdown();
  // The first row ends while the server is away.
  engine_.Allow(2);
  ASSERT_TRUE(engine_.WaitForStepsBegun(3));
  Advance(absl::Seconds(40));
  engine_.Allow(1);
  server_.Start();
  ASSERT_TRUE(AdvanceUntil(
      [](const FakeServerState& state) { return state.lease_calls == 1; }));
  EXPECT_THAT(server_.Snapshot().finishes, IsEmpty());
  EXPECT_THAT(engine_.log(), SizeIs(3));
}

TEST_F(SessionTroubleTest, OutcomesAreToldAgainUntilTheServerHasThem) {
  server_.With([](FakeServerState& state) {
    state.finish_error = Error(grpc::StatusCode::UNAVAILABLE);
  });
  auto& engine = Keep<SimulatedEngine>(Fast());
  Run(&engine);
  server_.AddBatch(MakeBatch(1, {{}, {}}));
  ASSERT_TRUE(server_.WaitUntil(
      [](const FakeServerState& state) { return state.finish_tries >= 2; }));
  server_.With([](FakeServerState& state) { state.finish_error.reset(); });
  ASSERT_TRUE(server_.WaitForOutcomes(2));
  EXPECT_THAT(server_.Snapshot().finishes, SizeIs(1));
}

TEST_F(SessionTroubleTest, OutcomesThatTheServerRefusesAreDropped) {
  server_.With([](FakeServerState& state) {
    state.finish_error = Error(grpc::StatusCode::FAILED_PRECONDITION);
  });
  auto& engine = Keep<SimulatedEngine>(Fast());
  Run(&engine);
  server_.AddBatch(MakeBatch(1, {{}}));
  ASSERT_TRUE(server_.WaitUntil([](const FakeServerState& state) {
    return state.upload_count == 1 && state.lease_calls == 1;
  }));
  server_.With([](FakeServerState& state) { state.finish_error.reset(); });
  server_.AddBatch(MakeBatch(2, {{}}));
  ASSERT_TRUE(server_.WaitForOutcomes(1));
  EXPECT_EQ(server_.Snapshot().Outcomes().count("jobs/2/runs/0"), 1u);
  EXPECT_THAT(server_.Snapshot().releases, IsEmpty());
}

TEST_F(SessionTroubleTest, UploadIsTriedAgainUntilTheDiskHasRoom) {
  server_.With([](FakeServerState& state) {
    state.upload_error = Error(grpc::StatusCode::RESOURCE_EXHAUSTED);
  });
  auto& engine = Keep<SimulatedEngine>(Fast());
  Run(&engine);
  server_.AddBatch(MakeBatch(1, {{}}));
  ASSERT_TRUE(server_.WaitUntil(
      [](const FakeServerState& state) { return state.upload_count >= 2; }));
  server_.With([](FakeServerState& state) { state.upload_error.reset(); });
  ASSERT_TRUE(server_.WaitForOutcomes(1));
  EXPECT_TRUE(server_.Snapshot().Outcomes().begin()->second.has_success());
}

TEST_F(SessionTroubleTest, PictureThatTheServerRefusesIsATransientFailure) {
  server_.With([](FakeServerState& state) {
    state.upload_error = Error(grpc::StatusCode::INVALID_ARGUMENT);
  });
  auto& engine = Keep<SimulatedEngine>(Fast());
  Run(&engine);
  server_.AddBatch(MakeBatch(1, {{}}));
  ASSERT_TRUE(server_.WaitForOutcomes(1));
  const auto outcomes = server_.Snapshot().Outcomes();
  const v1::RunError& error = outcomes.begin()->second.failure();
  EXPECT_EQ(error.error_class(), v1::ERROR_CLASS_TRANSIENT);
  EXPECT_THAT(error.message(), HasSubstr("could not be stored"));
}

TEST_F(SessionTroubleTest, LargePicturesGoInSmallChunksWhileOtherRowsGoOn) {
  auto& engine = Keep<FakeEngine>(std::string(1'000'000, 'x'));
  Run(&engine);
  server_.AddBatch(MakeBatch(1, {{.steps = 1}, {.steps = 2}}));
  engine.Allow(1);
  ASSERT_TRUE(server_.WaitForOutcomes(1));
  EXPECT_THAT(engine.log(), SizeIs(1));
  EXPECT_EQ(server_.Snapshot().chunk_bytes_largest, 256u * 1024);
  engine.Allow(1);
  EXPECT_TRUE(server_.WaitForOutcomes(2));
  StopAndJoin();
}

TEST_F(SessionTroubleTest, APictureThatCannotBeWrittenFailsItsRun) {
  class Wordless : public FakeEngine {
    std::vector<RowEnd> Step() override {
      std::vector<RowEnd> ends = FakeEngine::Step();
      for (RowEnd& end : ends) {
        end.make_png = []() -> absl::StatusOr<std::string> {
          return absl::InternalError("no ink");
        };
      }
      return ends;
    }
  };
  auto& engine = Keep<Wordless>();
  Run(&engine);
  engine.Allow(kFarMoreSteps);
  server_.AddBatch(MakeBatch(1, {{}}));
  ASSERT_TRUE(server_.WaitForOutcomes(1));
  const auto outcomes = server_.Snapshot().Outcomes();
  const v1::RunError& error = outcomes.begin()->second.failure();
  EXPECT_EQ(error.error_class(), v1::ERROR_CLASS_ENGINE);
  EXPECT_THAT(error.message(), HasSubstr("no ink"));
  StopAndJoin();
}

TEST_F(SessionTroubleTest, AWorkerWithoutItsDeviceTellsItsRunsAndLeaves) {
  SimulatedEngineOptions options = Fast();
  options.faults = ParseFaults("lost@step=2,row=1").value();
  auto& engine = Keep<SimulatedEngine>(options);
  server_.AddBatch(MakeBatch(1, {{.steps = 1}, {}, {}}));
  server_.AddBatch(MakeBatch(2, {{}}));
  Run(&engine);
  ASSERT_TRUE(Returns());
  EXPECT_TRUE(absl::IsAborted(Result())) << Result();
  const FakeServerState state = server_.Snapshot();
  EXPECT_THAT(state.deregistered, ElementsAre("workers/1"));
  EXPECT_THAT(state.batches, SizeIs(1));
  const auto outcomes = state.Outcomes();
  ASSERT_THAT(outcomes, SizeIs(3));
  EXPECT_TRUE(outcomes.at("jobs/1/runs/0").has_success());
  for (const char* run : {"jobs/1/runs/1", "jobs/1/runs/2"}) {
    EXPECT_EQ(outcomes.at(run).failure().error_class(),
              v1::ERROR_CLASS_TRANSIENT);
  }
}

TEST_F(SessionTroubleTest, EngineThatMakesNoStepIsToldOnce) {
  RunCountingStalls(&engine_);
  Advance(absl::Seconds(59));
  EXPECT_EQ(stalls_, 0);
  for (int i = 0; i < 3; ++i) Advance(absl::Seconds(60));
  EXPECT_EQ(stalls_, 1);
  StopAndJoin();
}

TEST_F(SessionTroubleTest, AStallOfOneRowIsToldAsThatRunsFailure) {
  RunCountingStalls(&engine_);
  Advance(absl::Seconds(60));
  const auto outcomes = server_.Snapshot().Outcomes();
  ASSERT_THAT(outcomes, SizeIs(1));
  const v1::RunError& error = outcomes.at("jobs/1/runs/0").failure();
  EXPECT_EQ(error.error_class(), v1::ERROR_CLASS_ENGINE);
  EXPECT_THAT(error.message(), HasSubstr("stalled: a step did not end within "
                                         "1m"));
  StopAndJoin();
}

// Any of the rows may be the reason. They go alone next time, because the
// worker dies.
TEST_F(SessionTroubleTest, AStallOfSeveralRowsIsNobodysFailure) {
  RunCountingStalls(&engine_, {{.steps = 1}, {.steps = 1}});
  Advance(absl::Seconds(60));
  EXPECT_EQ(stalls_, 1);
  EXPECT_THAT(server_.Snapshot().Outcomes(), IsEmpty());
  StopAndJoin();
}

TEST_F(SessionTroubleTest, EngineThatHangsIsNoticedAlsoWhenItsLeaseIsGone) {
  server_.With([](FakeServerState& state) { state.lost = "batches/1"; });
  RunCountingStalls(&engine_);
  Advance(absl::Seconds(3));
  EXPECT_THAT(server_.Snapshot().reports, SizeIs(1));
  EXPECT_EQ(stalls_, 0);
  Advance(absl::Seconds(57));
  EXPECT_EQ(stalls_, 1);
  StopAndJoin();
}

TEST_F(SessionTroubleTest, EngineThatBeatsInALongStepIsNotHung) {
  class Beating : public FakeEngine {
    int64_t Beats() const override { return ++beats_; }
    mutable std::atomic<int64_t> beats_ = 0;
  };
  auto& engine = Keep<Beating>();
  RunCountingStalls(&engine);
  for (int i = 0; i < 9; ++i) Advance(absl::Seconds(20));
  EXPECT_EQ(stalls_, 0);
  engine.Allow(1);
  EXPECT_TRUE(server_.WaitForOutcomes(1));
  StopAndJoin();
}

TEST_F(SessionTroubleTest, PointsOutsideTheStepsAreReachedInOrder) {
  std::vector<FaultPoint> points;
  SessionOptions options;
  options.once = true;
  options.at_point = [&](FaultPoint point, const v1::LeasedBatch&) {
    points.push_back(point);
    const bool told = !server_.Snapshot().finishes.empty();
    EXPECT_EQ(told, point == FaultPoint::kAfterFinish);
  };
  auto& engine = Keep<SimulatedEngine>(Fast());
  server_.AddBatch(MakeBatch(1, {{}}));
  Run(&engine, options);
  ASSERT_TRUE(Returns());
  EXPECT_THAT(points, ElementsAre(FaultPoint::kLease, FaultPoint::kBeforeFinish,
                                  FaultPoint::kAfterFinish));
}

TEST_F(SessionTroubleTest, WordsOfAnEngineAreMadeFitForTheWire) {
  class Rude : public FakeEngine {
    std::vector<RowEnd> Step() override {
      throw std::runtime_error("\xff\x01" + std::string(5000, 'x'));
    }
  };
  auto& engine = Keep<Rude>();
  Run(&engine);
  server_.AddBatch(MakeBatch(1, {{}}));
  ASSERT_TRUE(server_.WaitForOutcomes(1));
  const auto outcomes = server_.Snapshot().Outcomes();
  const v1::RunError& error = outcomes.begin()->second.failure();
  EXPECT_EQ(error.error_class(), v1::ERROR_CLASS_ENGINE);
  EXPECT_EQ(error.message(), "??" + std::string(4094, 'x'));
  StopAndJoin();
}

}  // namespace
}  // namespace sheaf::worker
