#include "server/use_cases/worker_reports.h"

#include <map>
#include <string>
#include <vector>

#include "tests/server/scheduling/waiting_workers.h"
#include "tests/server/scheduling/work.h"

namespace sheaf::server {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr WorkerId kId{3};

class WorkerReportsTest : public WaitingWorkersTest {
 protected:
  WorkerReportsTest() {
    who_ = MakeWorker({.id = kId, .device = "gpu", .device_bytes = 1000});
    workers_.Attach({.lessee = who_}, [](const WorkerNudge&) {});
    watch_ = events_.Subscribe([] {},
                               [this](RunId run, const StepProgress& progress) {
                                 watched_[run] = progress;
                               });
  }
  ~WorkerReportsTest() override { events_.Unsubscribe(watch_); }

  // The worker's batch, of the only waiting job.
  Leased LeaseOne() {
    Leased leased = Write(store_, [&](Tx& tx) {
                      return Lease(tx, who_, kLease);
                    }).leased.value();
    under_way_.Started(leased, who_, clock_.now());
    return leased;
  }
  WorkerReports::Noted Report(const ProgressReport& report) {
    const auto noted =
        Write(store_, [&](Tx& tx) { return reports_.Note(tx, report); });
    EXPECT_TRUE(noted.ok()) << noted.status();
    reports_.Tell(report, *noted);
    return *noted;
  }
  absl::StatusOr<std::vector<RunState>> End(const EndReport& report) {
    return Write(store_, [&](Tx& tx) { return reports_.End(tx, report); });
  }
  absl::Time LastHeard() { return workers_.Find(kId)->heartbeat_time; }

  // A batch of low priority that has run for half a second, at ten milliseconds
  // a step, and an urgent run that has waited as long and may take its place.
  Leased Outranked(int steps) {
    Write(store_, [](Tx& tx) {
      return UpdateQueue(tx, kDefaultQueue,
                         PatchOf(&QueueSettings::preempt_from, Priority::kHigh),
                         0)
          .ok();
    });
    const RunParams request{.prompt = "hut",
                            .steps = steps,
                            .sampler = "euler",
                            .width = 64,
                            .height = 32,
                            .model = "m"};
    // Batches of such work have taken as long as predicted.
    for (int i = 0; i < 10; ++i) {
      const Prediction price = prices_.Predict(RowsLike(BatchOf(i + 1)), kKind);
      prices_.Learn(price, absl::Milliseconds(price.ms));
    }
    SubmitJob({.priority = Priority::kLow, .runs = {request}});
    const Leased leased = LeaseOne();
    SubmitJob({.priority = Priority::kUrgent, .runs = {request}});
    clock_.Advance(absl::Milliseconds(500));
    return leased;
  }

  PricesBoard prices_{Flat()};
  MemoryBoard memory_;
  Arrivals arrivals_;
  LeasePlanner planner_{{},
                        {.prices = &prices_,
                         .memory = &memory_,
                         .places = &places_,
                         .arrivals = &arrivals_,
                         .count_workers = [] { return 1; }}};
  BatchesUnderWay under_way_{&prices_};
  ProgressBoard progress_;
  PreviewBoard previews_;
  EventHub events_{&store_};
  const WorkerReports reports_{{.workers = &workers_,
                                .planner = &planner_,
                                .under_way = &under_way_,
                                .progress = &progress_,
                                .previews = &previews_,
                                .events = &events_,
                                .now = [this] { return clock_.now(); },
                                .lease_duration = kLease}};
  Lessee who_;
  int64_t watch_ = 0;
  std::map<RunId, StepProgress> watched_;
};

TEST_F(WorkerReportsTest, AReportRenewsTheLeaseAndWatchersSeeItsSteps) {
  SubmitJob({.runs = Runs(2)});
  const Leased leased = LeaseOne();
  const RunId run = leased.batch.runs[1];
  clock_.Advance(kLease * 0.75);
  const auto noted = Report(
      {.claim = ClaimOf(leased.batch), .steps = {{run, 6, 20, "picture"}}});
  EXPECT_FALSE(noted.orders.lost);
  EXPECT_EQ(noted.orders.lease_expire_time, clock_.now() + kLease);
  EXPECT_EQ(LastHeard(), clock_.now());
  ASSERT_THAT(watched_, SizeIs(1));
  EXPECT_EQ(watched_[run].step, 6);
  EXPECT_EQ(watched_[run].step_count, 20);
  EXPECT_EQ(watched_[run].preview_step, 6);
  EXPECT_EQ(*previews_.Find(run)->png, "picture");
}

TEST_F(WorkerReportsTest, WatchersSeeTheMostMemoryThatTheBatchHasHeld) {
  SubmitJob({.runs = Runs(2)});
  const Leased leased = LeaseOne();
  progress_.Start({leased.batch});
  const RunId run = leased.batch.runs[0];
  for (const int64_t bytes : {5000, 3000, 0}) {
    Report({.claim = ClaimOf(leased.batch),
            .steps = {{run, 6, 20, ""}},
            .memory_bytes = bytes});
  }
  EXPECT_EQ(watched_[run].batch,
            (BatchProgress{
                .id = leased.batch.id, .running = 2, .memory_bytes = 5000}));
}

TEST_F(WorkerReportsTest, MemoryOfALeaseThatIsLostIsNotNoted) {
  SubmitJob({.runs = Runs(1)});
  const Leased leased = LeaseOne();
  progress_.Start({leased.batch});
  LeaseClaim claim = ClaimOf(leased.batch);
  claim.secret = "another's secret";
  Report({.claim = claim, .memory_bytes = 5000});
  const RunId run = leased.batch.runs[0];
  Report({.claim = ClaimOf(leased.batch), .steps = {{run, 6, 20, ""}}});
  EXPECT_EQ(watched_[run].batch.memory_bytes, 0);
}

TEST_F(WorkerReportsTest, StepsOfRunsThatTheLeaseDoesNotHoldAreIgnored) {
  SubmitJob({.runs = Runs(1)});
  const Leased leased = LeaseOne();
  const RunId own = leased.batch.runs[0];
  const RunId other(SubmitJob({.runs = Runs(1)}).id, 0);
  const auto noted = Report({.claim = ClaimOf(leased.batch),
                             .steps = {{other, 1, 9, "a"},
                                       {RunId(), 2, 9, "b"},
                                       {own, 3, 9, "c"},
                                       {own, 4, 9, "d"}}});
  ASSERT_THAT(noted.steps, SizeIs(1));
  EXPECT_EQ(noted.steps[0].progress.step, 3) << "each run counts once";
  EXPECT_EQ(watched_.count(other), 0u);
  EXPECT_FALSE(progress_.Find(other));
}

TEST_F(WorkerReportsTest, AReportOfALostLeaseLeavesNoTrace) {
  SubmitJob({.runs = Runs(1)});
  const Leased leased = LeaseOne();
  const absl::Time heard = LastHeard();
  clock_.Advance(absl::Seconds(1));
  LeaseClaim claim = ClaimOf(leased.batch);
  ++claim.epoch;
  const auto noted = Report(
      {.claim = claim, .steps = {{leased.batch.runs[0], 3, 9, "picture"}}});
  EXPECT_TRUE(noted.orders.lost);
  EXPECT_EQ(LastHeard(), heard);
  EXPECT_FALSE(progress_.Find(leased.batch.runs[0]));
  EXPECT_THAT(watched_, IsEmpty());
}

TEST_F(WorkerReportsTest, AWorkerThatKnowsNoSecretsGetsAnError) {
  SubmitJob({.runs = Runs(1)});
  LeaseClaim claim = ClaimOf(LeaseOne().batch);
  claim.secret.clear();
  const auto noted = Write(store_, [&](Tx& tx) {
    return reports_.Note(tx, {claim, {}});
  });
  EXPECT_EQ(ReasonOf(noted.status()), Reason::kLeaseLost);
}

TEST_F(WorkerReportsTest, ADrainingWorkerIsToldEvenThoughItsLeaseIsLost) {
  SubmitJob({.runs = Runs(1)});
  LeaseClaim claim = ClaimOf(LeaseOne().batch);
  EXPECT_FALSE(Report({.claim = claim}).drain);
  workers_.Drain(kId);
  EXPECT_TRUE(Report({.claim = claim}).drain);
  ++claim.epoch;
  EXPECT_TRUE(Report({.claim = claim}).drain);
}

TEST_F(WorkerReportsTest, AStepOfARunThatHasEndedSinceIsNotShown) {
  SubmitJob({.runs = Runs(1)});
  const Leased leased = LeaseOne();
  const ProgressReport report{.claim = ClaimOf(leased.batch),
                              .steps = {{leased.batch.runs[0], 3, 9, "png"}}};
  const auto noted =
      Write(store_, [&](Tx& tx) { return reports_.Note(tx, report); });
  progress_.NoteCommit(EndOf(leased));
  reports_.Tell(report, *noted);
  EXPECT_THAT(watched_, IsEmpty());
  EXPECT_FALSE(previews_.Find(leased.batch.runs[0]));
}

TEST_F(WorkerReportsTest, ABatchIsHandedBackForARunThatOutranksIt) {
  const Leased leased = Outranked(/*steps=*/1000);
  EXPECT_THAT(Report({.claim = ClaimOf(leased.batch)}).orders.release,
              ElementsAre(leased.batch.runs[0]));
}

TEST_F(WorkerReportsTest, ABatchThatIsDoneInAMomentStays) {
  const Leased leased = Outranked(/*steps=*/100);
  EXPECT_THAT(Report({.claim = ClaimOf(leased.batch)}).orders.release,
              IsEmpty());
}

TEST_F(WorkerReportsTest, ADrainingWorkerGivesNoWay) {
  const Leased leased = Outranked(/*steps=*/1000);
  workers_.Drain(kId);
  EXPECT_THAT(Report({.claim = ClaimOf(leased.batch)}).orders.release,
              IsEmpty());
}

TEST_F(WorkerReportsTest, AnEndBringsTheWorkersFigures) {
  SubmitJob({.runs = Runs(1)});
  const Leased leased = LeaseOne();
  const batching::BatchMemory memory{.rows = 1, .peak_bytes = 100};
  const EndReport report{.finish = MakeReport(leased, Succeeded{}),
                         .memory = memory,
                         .engine_time = absl::Seconds(9)};
  const auto states = End(report);
  ASSERT_TRUE(states.ok()) << states.status();
  EXPECT_THAT(*states, ElementsAre(RunState::kSucceeded));
  EXPECT_EQ(workers_.Find(kId)->engine_time, absl::Seconds(9));
}

TEST_F(WorkerReportsTest, FiguresWithoutAGoodClaimAreNotNoted) {
  SubmitJob({.runs = Runs(1)});
  const Leased leased = LeaseOne();
  EndReport report{.finish = MakeReport(leased, Succeeded{}),
                   .engine_time = absl::Hours(9)};
  report.finish.claim.secret = "another's secret";
  EXPECT_EQ(ReasonOf(End(report).status()), Reason::kLeaseLost);
  EXPECT_EQ(workers_.Find(kId)->engine_time, absl::ZeroDuration());
}

TEST_F(WorkerReportsTest, ARepeatedEndIsAnsweredAgainAndItsFiguresAreNot) {
  SubmitJob({.runs = Runs(1)});
  EndReport report{.finish = MakeReport(LeaseOne(), Succeeded{}),
                   .engine_time = absl::Seconds(9)};
  ASSERT_TRUE(End(report).ok());
  report.engine_time = absl::Hours(9);
  const auto states = End(report);
  ASSERT_TRUE(states.ok()) << states.status();
  EXPECT_THAT(*states, ElementsAre(RunState::kSucceeded));
  EXPECT_EQ(workers_.Find(kId)->engine_time, absl::Seconds(9));
}

TEST_F(WorkerReportsTest, AReportShowsThatItsWorkerIsAlive) {
  clock_.Advance(absl::Seconds(7));
  reports_.Heard({.worker = kId});
  EXPECT_EQ(LastHeard(), clock_.now());
}

}  // namespace
}  // namespace sheaf::server
