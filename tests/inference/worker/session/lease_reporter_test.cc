#include "inference/worker/session/lease_reporter.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <utility>
#include <vector>

#include "tests/base/fake_steady_clock.h"
#include "tests/inference/worker/batches.h"
#include "tests/inference/worker/fake_engine.h"
#include "tests/inference/worker/fake_server.h"

namespace sheaf::worker {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

grpc::Status Away() { return {grpc::StatusCode::UNAVAILABLE, "on order"}; }

// A reporter between a server and an engine, on a clock that the test turns.
// Its lease lasts ten seconds, with a report every three.
class LeaseReporterTest : public ::testing::Test {
 protected:
  void Begin(int rows = 1) {
    batch_ = MakeBatch(1, std::vector<RunArgs>(rows));
    timed_engine_.Add(batch_);
    reporter_.Begin(batch_, {.worker = "workers/1",
                             .lease_duration = absl::Seconds(10),
                             .heartbeat_interval = absl::Seconds(3)});
  }

  void AddOutcome(int row) {
    v1::RunOutcome outcome;
    outcome.set_run(batch_.runs(row).run());
    outcome.mutable_success();
    reporter_.AddOutcome(row, std::move(outcome));
  }

  // Turns the clock, and waits until the reporter's thread has done what is
  // due.
  void Advance(absl::Duration duration) {
    clock_.Advance(duration);
    ASSERT_TRUE(clock_.WaitForWaiters());
  }

  bool WaitForFinishTries(int count) {
    return server_.WaitUntil([count](const FakeServerState& state) {
      return state.finish_tries >= count;
    });
  }

  FakeSteadyClock clock_;
  FakeServer server_;
  Client client_{MakeChannel(server_.address())};
  FakeEngine engine_;
  TimedEngine timed_engine_{&engine_};
  v1::LeasedBatch batch_;
  std::atomic<int> stalls_ = 0;
  std::atomic<int> drains_ = 0;
  LeaseReporter reporter_{&client_,
                          &timed_engine_,
                          {.stall_timeout = absl::Seconds(60),
                           .on_drain = [this] { ++drains_; },
                           .on_stall = [this] { ++stalls_; },
                           .clock = &clock_}};
};

TEST_F(LeaseReporterTest, ReportsComeAtTheirInterval) {
  Begin();
  Advance(absl::Seconds(2));
  EXPECT_THAT(server_.Snapshot().reports, IsEmpty());
  for (std::size_t count = 1; count <= 3; ++count) {
    Advance(absl::Seconds(3));
    EXPECT_THAT(server_.Snapshot().reports, SizeIs(count));
  }
}

TEST_F(LeaseReporterTest, AReportTellsTheMemoryOnceTheEngineHasStepped) {
  Begin(2);
  Advance(absl::Seconds(3));
  v1::BatchMemory memory;
  memory.set_row_count(2);
  memory.set_peak_bytes(5 << 20);
  reporter_.EngineStepped({{1, 9}, {1, 9}}, memory);
  Advance(absl::Seconds(3));
  const auto reports = server_.Snapshot().reports;
  ASSERT_THAT(reports, SizeIs(2));
  EXPECT_FALSE(reports[0].has_memory());
  EXPECT_EQ(reports[1].memory().row_count(), 2);
  EXPECT_EQ(reports[1].memory().peak_bytes(), 5 << 20);
}

// The signal comes on a stream of its own, and so it may overtake the answer
// with the lease.
TEST_F(LeaseReporterTest, ABatchReportsAtOnceIfItWasAskedBeforeItCame) {
  reporter_.ReportSoon();
  Begin();
  ASSERT_TRUE(server_.WaitUntil(
      [](const FakeServerState& state) { return state.reports.size() == 1; }));
  ASSERT_TRUE(clock_.WaitForWaiters());
  Advance(absl::Seconds(2));
  EXPECT_THAT(server_.Snapshot().reports, SizeIs(1));
  Advance(absl::Seconds(1));
  EXPECT_THAT(server_.Snapshot().reports, SizeIs(2));
}

TEST_F(LeaseReporterTest, AReportThatFailsIsTriedAgainSoon) {
  server_.With([](FakeServerState& state) { state.report_error = Away(); });
  Begin();
  Advance(absl::Seconds(3));
  EXPECT_THAT(server_.Snapshot().reports, SizeIs(1));
  Advance(absl::Milliseconds(100));
  EXPECT_THAT(server_.Snapshot().reports, SizeIs(2));
  Advance(absl::Milliseconds(200));
  EXPECT_THAT(server_.Snapshot().reports, SizeIs(3));
  EXPECT_FALSE(reporter_.lost());
}

TEST_F(LeaseReporterTest, ALeaseThatHasCertainlyExpiredIsLost) {
  server_.With([](FakeServerState& state) { state.report_error = Away(); });
  Begin();
  Advance(absl::Seconds(9));
  EXPECT_FALSE(reporter_.lost());
  Advance(absl::Seconds(1));
  EXPECT_TRUE(reporter_.lost());
  EXPECT_FALSE(reporter_.Flush());
  const std::size_t count = server_.Snapshot().reports.size();
  Advance(absl::Seconds(30));
  EXPECT_THAT(server_.Snapshot().reports, SizeIs(count));
}

TEST_F(LeaseReporterTest, AnswersKeepALeaseForAsLongAsTheyCome) {
  Begin();
  for (int i = 0; i < 10; ++i) Advance(absl::Seconds(3));
  server_.With([](FakeServerState& state) { state.report_error = Away(); });
  Advance(absl::Seconds(9));
  EXPECT_FALSE(reporter_.lost());
  Advance(absl::Seconds(1));
  EXPECT_TRUE(reporter_.lost());
}

TEST_F(LeaseReporterTest, AnOutcomeIsToldAgainUntilTheServerHasIt) {
  server_.With([](FakeServerState& state) { state.finish_error = Away(); });
  Begin(2);
  AddOutcome(0);
  ASSERT_TRUE(WaitForFinishTries(1));
  ASSERT_TRUE(clock_.WaitForWaiters());
  Advance(absl::Milliseconds(100));
  EXPECT_EQ(server_.Snapshot().finish_tries, 2);
  EXPECT_FALSE(reporter_.HasToldAll());
  server_.With([](FakeServerState& state) { state.finish_error.reset(); });
  Advance(absl::Milliseconds(200));
  EXPECT_TRUE(reporter_.HasToldAll());
  EXPECT_THAT(server_.Snapshot().finishes, SizeIs(1));
}

TEST_F(LeaseReporterTest, AFlushGivesUpOnlyInAHurry) {
  server_.With([](FakeServerState& state) { state.finish_error = Away(); });
  Begin();
  reporter_.EngineEnded();
  AddOutcome(0);
  auto flushed =
      std::async(std::launch::async, [this] { return reporter_.Flush(); });
  ASSERT_TRUE(WaitForFinishTries(1));
  ASSERT_TRUE(clock_.WaitForWaiters(2));
  clock_.Advance(absl::Seconds(2));
  ASSERT_TRUE(WaitForFinishTries(2));
  reporter_.Hurry();
  clock_.Advance(absl::Milliseconds(1500));
  EXPECT_FALSE(flushed.get());
  EXPECT_FALSE(reporter_.lost());
}

TEST_F(LeaseReporterTest, TheReplyNamesTheRunsToStop) {
  server_.With([](FakeServerState& state) {
    state.orders.add_cancel_runs("jobs/1/runs/0");
    state.orders.set_drain(true);
  });
  Begin();
  EXPECT_THAT(reporter_.TakeReply().cancel_runs, IsEmpty());
  Advance(absl::Seconds(3));
  EXPECT_THAT(reporter_.TakeReply().cancel_runs, ElementsAre("jobs/1/runs/0"));
  EXPECT_EQ(drains_, 1);
}

TEST_F(LeaseReporterTest, AReplyAfterTheLastOutcomeDoesNotLoseTheLease) {
  server_.With([](FakeServerState& state) { state.lost = "batches/1"; });
  Begin();
  AddOutcome(0);
  ASSERT_TRUE(server_.WaitForOutcomes(1));
  ASSERT_TRUE(clock_.WaitForWaiters());
  Advance(absl::Seconds(3));
  EXPECT_THAT(server_.Snapshot().reports, SizeIs(1));
  EXPECT_FALSE(reporter_.lost());
  EXPECT_TRUE(reporter_.Flush());
}

TEST_F(LeaseReporterTest, AStallOfOneRowIsToldBeforeTheProcessEnds) {
  Begin();
  Advance(absl::Seconds(59));
  EXPECT_EQ(stalls_, 0);
  Advance(absl::Seconds(1));
  EXPECT_EQ(stalls_, 1);
  EXPECT_TRUE(server_.Snapshot().Outcomes().at("jobs/1/runs/0").has_failure());
}

// Any of the rows may be the reason.
TEST_F(LeaseReporterTest, AStallOfSeveralRowsIsNobodysFailure) {
  Begin(2);
  Advance(absl::Seconds(60));
  EXPECT_EQ(stalls_, 1);
  EXPECT_THAT(server_.Snapshot().Outcomes(), IsEmpty());
}

TEST_F(LeaseReporterTest, AStallThatTheServerRefusesToHearIsAStallAllTheSame) {
  server_.With([](FakeServerState& state) {
    state.finish_error = {grpc::StatusCode::FAILED_PRECONDITION, "on order"};
  });
  Begin();
  Advance(absl::Seconds(60));
  EXPECT_TRUE(reporter_.lost());
  EXPECT_EQ(stalls_, 1);
}

TEST_F(LeaseReporterTest, AReporterServesOneLeaseAfterAnother) {
  Begin();
  AddOutcome(0);
  ASSERT_TRUE(reporter_.Flush());
  reporter_.End();
  batch_ = MakeBatch(2, {{}});
  reporter_.Begin(batch_, {.worker = "workers/1",
                           .lease_duration = absl::Seconds(10),
                           .heartbeat_interval = absl::Seconds(3)});
  AddOutcome(0);
  EXPECT_TRUE(reporter_.Flush());
  EXPECT_THAT(server_.Snapshot().finishes, SizeIs(2));
  EXPECT_EQ(server_.Snapshot().finishes[1].batch(), "batches/2");
}

}  // namespace
}  // namespace sheaf::worker
