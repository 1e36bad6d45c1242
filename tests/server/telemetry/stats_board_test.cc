#include "server/telemetry/stats_board.h"

#include <random>

#include "gtest/gtest.h"

namespace sheaf::server {
namespace {

constexpr WorkerId kWorker{5};
const std::string kCard = "cuda: a card";

class StatsBoardTest : public testing::Test {
 protected:
  StatsBoardTest() { board_.Start({QueueWith(0)}, {}, now_); }

  static Queue QueueWith(int64_t queued, const std::string& name = "default") {
    Queue queue;
    queue.name = name;
    queue.queued = queued;
    return queue;
  }

  void Pass(int64_t milliseconds) { now_ += absl::Milliseconds(milliseconds); }

  // Leases a batch of runs, each due `wait` ago.
  BatchId Lease(int runs, absl::Duration wait = absl::ZeroDuration(),
                const std::string& queue = "default",
                WorkerId worker = kWorker) {
    Leased leased;
    leased.batch.id = BatchId{++last_batch_};
    leased.batch.queue = queue;
    leased.batch.worker = worker;
    leased.batch.start_time = now_;
    for (int i = 0; i < runs; ++i) {
      sheaf::Run& run = leased.runs.emplace_back().run;
      run.id = RunId(JobId{last_batch_}, i);
      run.run_time = now_ - wait;
      leased.batch.runs.push_back(run.id);
    }
    board_.NoteLease(leased);
    return leased.batch.id;
  }

  Event Changed(BatchId batch, const std::vector<RunState>& states,
                const std::string& queue = "default") {
    Event event;
    event.type = EventType::kRunsChanged;
    event.time = now_;
    event.queue = queue;
    event.batch = batch;
    for (const RunState state : states) {
      event.runs.push_back(
          {.run = RunId(JobId{batch.value}, 0), .state = state});
    }
    return event;
  }
  void Commit(Event event) { Commit(Committed{.events = {std::move(event)}}); }
  void Commit(const Committed& committed) {
    board_.NoteCommit(committed, now_);
  }

  StatsBoard::Recalled Recall() {
    return board_.Recall(absl::Minutes(5), now_);
  }

  absl::Time now_ = absl::FromUnixSeconds(1'800'000'000);
  int64_t last_batch_ = 0;
  StatsBoard board_;
};

TEST_F(StatsBoardTest, ARunsLifeIsMeasuredFromItsTurnToItsEnd) {
  Pass(1000);
  const BatchId batch = Lease(2, absl::Milliseconds(300));
  Pass(500);
  Commit(Changed(batch, {RunState::kSucceeded}));
  Pass(100);
  Commit(Changed(batch, {RunState::kSucceeded}));
  Pass(400);
  const StatsBoard::Recalled recalled = Recall();
  const QueueFigures& figures = recalled.figures.queues.at("default");
  EXPECT_EQ(figures.wait.count, 2);
  EXPECT_EQ(figures.wait.p50, 300);
  EXPECT_EQ(figures.generation.p50, 500);
  EXPECT_EQ(figures.generation.max, 600);
  EXPECT_EQ(figures.batches, 1);
  EXPECT_EQ(figures.batched_runs, 2);
  // The worker held the batch until its last run was done.
  EXPECT_EQ(recalled.figures.workers.at(WorkerId{5}).busy, 600);
  EXPECT_EQ(recalled.queues.at("default").runs.succeeded, 2);
}

TEST_F(StatsBoardTest, EndsOfEveryKindAreTold) {
  Pass(1);
  const BatchId batch = Lease(5);
  Pass(10);
  Event event = Changed(
      batch, {RunState::kSucceeded, RunState::kFailed, RunState::kCancelled,
              RunState::kQueued, RunState::kQueued});
  event.runs[1].error_class = ErrorClass::kBadInput;
  event.runs[3].error_class = ErrorClass::kWorkerDied;  // tried again
  event.ended = {{JobId{1}, JobState::kFailed}};
  Commit(std::move(event));
  const StatsBoard::Recalled recalled = Recall();
  EXPECT_EQ(recalled.total.runs, (RunCounts{0, 0, 1, 1, 1}));
  EXPECT_EQ(recalled.total.jobs, (RunCounts{0, 0, 0, 1, 0}));
  const WorkerFigures& worker = recalled.figures.workers.at(WorkerId{5});
  EXPECT_EQ(worker.succeeded, 1);
  EXPECT_EQ(worker.failed_attempts, 2);
  EXPECT_EQ(worker.busy, 10);
}

TEST_F(StatsBoardTest, RunsThatNoWorkerHeldEndToo) {
  Pass(1);
  Commit(Changed(BatchId{}, {RunState::kCancelled, RunState::kCancelled}));
  Commit(Changed(BatchId{}, {RunState::kQueued}));  // retried by hand
  const StatsBoard::Recalled recalled = Recall();
  EXPECT_EQ(recalled.figures.total.ended.cancelled, 2);
  EXPECT_EQ(recalled.total.runs.cancelled, 2);
  EXPECT_EQ(recalled.figures.total.failed_attempts, 0);
  EXPECT_TRUE(recalled.figures.workers.empty());
}

TEST_F(StatsBoardTest, ALeaseAndItsEndMayComeInOneCommit) {
  Pass(1);
  const BatchId batch = Lease(1);
  Event died = Changed(batch, {RunState::kQueued});
  died.runs[0].error_class = ErrorClass::kWorkerDied;
  Event started = Changed(batch, {RunState::kRunning});
  started.type = EventType::kRunsStarted;
  Commit(Committed{.events = {started, died}});
  Pass(1000);
  EXPECT_EQ(Recall().figures.workers.at(WorkerId{5}).busy, 0);
  EXPECT_EQ(Recall().figures.total.failed_attempts, 1);
}

TEST_F(StatsBoardTest, TheDeepestPointIsRemembered) {
  const absl::Time deepest = now_ + absl::Milliseconds(1000);
  Pass(1000);
  Commit(Committed{.changed = {QueueWith(40), QueueWith(2, "night")}});
  Pass(1000);
  Commit(Committed{.changed = {QueueWith(10)}});
  Commit(Committed{.changed = {QueueWith(20, "night")}});
  const StatsBoard::Recalled recalled = Recall();
  EXPECT_EQ(recalled.queues.at("default").depth_max, 40);
  EXPECT_EQ(recalled.queues.at("default").depth_max_time, deepest);
  EXPECT_EQ(recalled.queues.at("night").depth_max, 20);
  // The total is that of all queues at one time, not of each at its own
  // deepest.
  EXPECT_EQ(recalled.total.depth_max, 42);
}

TEST_F(StatsBoardTest, ADeletedQueueLeavesTheTotalRight) {
  Commit(Committed{.changed = {QueueWith(30), QueueWith(9, "night")}});
  Event deleted;
  deleted.type = EventType::kQueueDeleted;
  deleted.queue = "night";
  Commit(deleted);
  Commit(Committed{.changed = {QueueWith(9, "night")}});  // created again
  EXPECT_EQ(Recall().total.depth_max, 39);
  EXPECT_EQ(Recall().queues.at("night").depth_max, 9);
}

TEST_F(StatsBoardTest, BatchesFromBeforeARestartAreTimedButNotCounted) {
  Batch batch;
  batch.id = BatchId{77};
  batch.queue = "default";
  batch.worker = WorkerId{2};
  batch.start_time = now_ - absl::Seconds(4);
  batch.runs = {RunId(JobId{1}, 0)};
  StatsBoard board;
  board.Start({QueueWith(0)}, {batch}, now_);
  Pass(1000);
  board.NoteCommit(
      Committed{.events = {Changed(batch.id, {RunState::kSucceeded})}}, now_);
  const Figures figures = board.Recall(absl::Minutes(5), now_).figures;
  EXPECT_EQ(figures.total.generation.p50, 5000);
  EXPECT_EQ(figures.total.batches, 0);
}

TEST_F(StatsBoardTest, TheWindowReachesNoFurtherThanTheStartOrAnHour) {
  const absl::Time start = now_;
  Pass(60'000);
  EXPECT_EQ(Recall().since, start);
  Pass(3 * 3'600'000);
  EXPECT_EQ(Recall().since, now_ - absl::Minutes(5));
  EXPECT_EQ(board_.Recall(absl::Hours(9), now_).since, now_ - absl::Hours(1));
}

TEST_F(StatsBoardTest, WhatIsForgottenShortensTheWindow) {
  StatsBoard small({.notes_max = 10});
  small.Start({QueueWith(0)}, {}, now_);
  for (int i = 0; i < 25; ++i) {
    Pass(100);
    small.NoteCommit(
        Committed{.events = {Changed(BatchId{}, {RunState::kCancelled})}},
        now_);
  }
  const auto recalled = small.Recall(absl::Minutes(5), now_);
  EXPECT_EQ(recalled.figures.total.ended.cancelled, 10);
  EXPECT_EQ(recalled.since, now_ - absl::Milliseconds(1000));
  EXPECT_EQ(recalled.total.runs.cancelled, 25);
}

TEST_F(StatsBoardTest, WhatWasHandedOutIsAddedUpSinceTheStart) {
  board_.NoteJoined(kWorker, {kCard});
  Pass(1000);
  const BatchId first = Lease(2, absl::Milliseconds(300));
  const BatchId other = Lease(1, absl::Milliseconds(50), "night");
  Pass(500);
  Commit(Changed(first, {RunState::kSucceeded, RunState::kFailed}));
  Pass(200);
  Commit(Changed(other, {RunState::kSucceeded}, "night"));
  // Longer ago than anything that is remembered one by one.
  Pass(2 * 3'600'000);
  const BatchId later = Lease(1);
  Pass(100);
  Commit(Changed(later, {RunState::kSucceeded}));
  const StatsBoard::Recalled recalled = Recall();
  const WorkTotals all{.batches = 3,
                       .batched_runs = 4,
                       .wait = {.count = 4, .sum = 650},
                       .generation = {.count = 3, .sum = 500 + 700 + 100}};
  EXPECT_EQ(recalled.total.work, all);
  EXPECT_EQ(recalled.workers.at(kWorker), all);
  EXPECT_EQ(recalled.devices.at(kCard), all);
  EXPECT_EQ(recalled.queues.at("night").work,
            (WorkTotals{1, 1, {1, 50}, {1, 700}}));
  EXPECT_EQ(recalled.figures.total.batches, 1);
}

TEST_F(StatsBoardTest, ADeviceKeepsTheWorkOfAWorkerThatHasLeft) {
  const WorkerId next{6};
  board_.NoteJoined(kWorker, {kCard});
  Lease(3);
  board_.NoteLeft(kWorker);
  board_.NoteJoined(next, {kCard});
  Lease(2, absl::ZeroDuration(), "default", next);
  const StatsBoard::Recalled recalled = Recall();
  EXPECT_EQ(recalled.workers.count(kWorker), 0u);
  EXPECT_EQ(recalled.workers.at(next).batched_runs, 2);
  EXPECT_EQ(recalled.devices.at(kCard).batched_runs, 5);
}

TEST_F(StatsBoardTest, WorkOfAWorkerThatNobodyKnowsCountsWithItsQueue) {
  Lease(3);
  board_.NoteLeft(kWorker);
  const StatsBoard::Recalled recalled = Recall();
  EXPECT_TRUE(recalled.workers.empty());
  EXPECT_TRUE(recalled.devices.empty());
  EXPECT_EQ(recalled.total.work.batched_runs, 3);
}

TEST_F(StatsBoardTest, DevicesThatComeAndGoDoNotPileUp) {
  StatsBoard small({.devices_max = 2});
  for (int i = 0; i < 10; ++i) {
    small.NoteJoined(WorkerId{i + 1}, {"card " + std::to_string(i)});
  }
  EXPECT_EQ(small.Recall(absl::Hours(1), now_).devices.size(), 10u);
  for (int i = 0; i < 10; ++i) small.NoteLeft(WorkerId{i + 1});
  EXPECT_EQ(small.Recall(absl::Hours(1), now_).devices.size(), 2u);
}

// Compares the figures with a record of everything, gone through by hand.
TEST_F(StatsBoardTest, FiguresAreThoseOfTheWholeHistory) {
  const unsigned seed = std::random_device()();
  SCOPED_TRACE(seed);
  std::mt19937 random(seed);
  struct Ended {
    absl::Time time;
    absl::Duration generation;
  };
  std::vector<Ended> history;
  std::vector<std::pair<BatchId, absl::Time>> open;
  std::vector<absl::Time> starts;
  for (int i = 0; i < 3000; ++i) {
    Pass(static_cast<int64_t>(random() % 4000));
    if (open.empty() || random() % 2 == 0) {
      open.emplace_back(Lease(1), now_);
      starts.push_back(now_);
    } else {
      std::swap(open[random() % open.size()], open.back());
      Commit(Changed(open.back().first, {RunState::kSucceeded}));
      history.push_back({now_, now_ - open.back().second});
      open.pop_back();
    }
    if (i % 100 != 99) continue;
    const auto window = absl::Seconds(1 + static_cast<int>(random() % 4000));
    const auto recalled = board_.Recall(window, now_);
    std::vector<int64_t> generations;
    for (const Ended& end : history) {
      if (end.time <= recalled.since) continue;
      generations.push_back(absl::ToInt64Milliseconds(end.generation));
    }
    const Spread expected = SpreadOf(generations);
    const QueueFigures& figures = recalled.figures.queues.at("default");
    EXPECT_EQ(figures.generation.count, expected.count);
    EXPECT_EQ(figures.generation.p95, expected.p95);
    EXPECT_EQ(figures.batches,
              std::count_if(starts.begin(), starts.end(),
                            [&](absl::Time t) { return t > recalled.since; }));
  }
}

}  // namespace
}  // namespace sheaf::server
