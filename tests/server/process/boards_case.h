// A fixture for the observers of commits: a store on SQLite in memory, the
// boards, and the observers that the server has.
#pragma once

#include <cmath>
#include <memory>
#include <string>
#include <vector>

#include "absl/synchronization/notification.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "queue/jobs.h"
#include "queue/leasing/caretaker.h"
#include "queue/queues.h"
#include "queue/sqlite/sqlite_store.h"
#include "server/blobs/artifact_budget.h"
#include "server/process/observers.h"
#include "tests/base/temp_folder.h"
#include "tests/queue/builders.h"
#include "tests/queue/stores.h"
#include "tests/server/scheduling/work.h"

namespace sheaf::server {

inline constexpr WorkerId kWorker{1};
// Two runs that a planner knows, with pictures of their own.
inline std::vector<RunParams> TwoRuns() {
  std::vector<RunParams> runs(2);
  for (int i = 0; i < 2; ++i) {
    runs[i].prompt = "hut";
    runs[i].model = "m";
    runs[i].sampler = "euler";
    runs[i].width = 64;
    runs[i].height = 32;
    runs[i].steps = 10;
    runs[i].seed = i;
  }
  return runs;
}

class BoardsTest : public ::testing::Test {
 public:
  BoardsTest() {
    SqliteStore::Options options;
    options.directory = directory_;
    options.clock = [this] { return clock_.now(); };
    options.observer = [this](const Committed& committed) {
      for (const auto& observe : observers_) observe(committed, clock_.now());
    };
    store_ = SqliteStore::Open(std::move(options)).value();
    files_ = ArtifactLibrary::Open(ArtifactStore::Open(directory_, {}).value(),
                                   store_.get(), &budget_)
                 .value();
    checkpoints_ = CheckpointStore::Open(directory_, {}).value();
    events_ = std::make_unique<EventHub>(store_.get());
    waiters_ = std::make_unique<LeaseWaiters>(
        LeaseWaiters::Parts{.store = store_.get(),
                            .timer = &timer_,
                            .workers = &workers_,
                            .places = &places_,
                            .stats = &stats_,
                            .now = [this] { return clock_.now(); },
                            .lease_duration = kLease});
    who_ = MakeWorker({.id = kWorker, .device = "gpu", .device_bytes = 1000});
    workers_.Attach({.lessee = who_}, nullptr);
    plans_ =
        std::make_unique<PlanService>(store_.get(), &prices_, &memory_,
                                      &workers_, [] { return std::nullopt; });
    auto_planner_ = std::make_unique<AutoPlanner>(store_.get(), plans_.get());
    observers_ = ObserversOf({.store = store_.get(),
                              .stats = &stats_,
                              .progress = &progress_,
                              .previews = &previews_,
                              .throughput = &throughput_,
                              .under_way = &under_way_,
                              .workers = &workers_,
                              .prices = &prices_,
                              .memory = &memory_,
                              .checkpoints = checkpoints_.get(),
                              .files = files_.get(),
                              .events = events_.get(),
                              .arrivals = &arrivals_,
                              .auto_planner = auto_planner_.get(),
                              .lease_waiters = waiters_.get(),
                              .owners_are_limited = true});
    Do([](Tx& tx) { EnsureDefaultQueue(tx); });
  }
  ~BoardsTest() override {
    plans_->Stop();
    waiters_->Stop();
    timer_.Stop();
    files_.reset();
    store_.reset();
  }

  template <class UseCase>
  void Do(UseCase use_case) {
    const absl::Status status = WriteAndWait(*store_, [&](Tx& tx) {
      use_case(tx);
      return absl::OkStatus();
    });
    ASSERT_TRUE(status.ok()) << status;
  }

  JobId SubmitJob(NewJob job = {.runs = TwoRuns()}) {
    return Write(*store_,
                 [&](Tx& tx) { return Submit(tx, MakeJob(std::move(job))); })
        .value()
        .job.id;
  }
  // The worker gets a batch, and has told of its steps and memory.
  Leased LeaseOne() {
    Leased leased;
    absl::Notification answered;
    waiters_->Wait(who_, clock_.now() + absl::Minutes(1), [&](auto answer) {
      EXPECT_TRUE(answer.ok() && answer->has_value());
      if (answer.ok() && answer->has_value()) leased = **answer;
      under_way_.Started(leased, who_, clock_.now());
      answered.Notify();
    });
    answered.WaitForNotification();
    for (const RunId run : leased.batch.runs) {
      progress_.Note(run, leased.batch.id, 1, 10, clock_.now());
      previews_.Keep(run, 1, "picture", clock_.now());
    }
    batching::BatchMemory memory;
    memory.rows = 1;
    memory.peak_bytes = 100;
    under_way_.Held(leased.batch.id, memory);
    return leased;
  }
  void Report(const Leased& leased, const Outcome& outcome) {
    const auto states = Write(*store_, [&](Tx& tx) {
      return Finish(tx, MakeReport(leased, outcome));
    });
    ASSERT_TRUE(states.ok()) << states.status();
  }
  void Configure(const QueueSettings& changes) {
    Do([&](Tx& tx) {
      ASSERT_TRUE(UpdateQueue(tx, kDefaultQueue, PatchOf(changes), 0).ok());
    });
  }
  void Cancel(JobId job) {
    Do([&](Tx& tx) { ASSERT_TRUE(CancelJob(tx, job, {}).ok()); });
  }
  void RoundOfTheCaretaker() {
    ASSERT_TRUE(Caretaker(store_.get()).Round({}).ok());
  }

  // A run has just ended in the queue, so that the next to end has its time.
  void BeginThroughput(const std::string& queue = kDefaultQueue) {
    throughput_.NoteCommit(
        EndOf(BatchId{1'000'000},
              {{RunId(JobId{1'000'000}, 0), RunState::kSucceeded, 1}}, queue),
        clock_.now());
    began_ = clock_.now();
  }
  // How many runs have ended in workers' hands since.
  int Finished(const std::string& queue = kDefaultQueue) {
    const auto per_run = throughput_.PerRun(queue, clock_.now());
    if (!per_run) return 0;
    const double runs = absl::FDivDuration(clock_.now() - began_, *per_run);
    return static_cast<int>(std::lround(runs));
  }
  AttemptCounts OfWorker() {
    const WorkerInfo worker = workers_.Find(kWorker).value_or(WorkerInfo());
    return {worker.succeeded, worker.failed};
  }
  RunCounts Total() {
    return stats_.Recall(absl::Hours(1), clock_.now()).total.runs;
  }
  WorkerFigures OfWorkerInStats() {
    return stats_.Recall(absl::Hours(1), clock_.now()).figures.workers[kWorker];
  }

  const TempFolder temp_ = TempFolder::InMemory();
  const std::string directory_ = temp_.path();
  TestClock clock_;
  Timer timer_;
  WorkerRegistry workers_;
  StatsBoard stats_;
  ProgressBoard progress_;
  PreviewBoard previews_;
  QueueThroughput throughput_;
  PricesBoard prices_{Flat()};
  MemoryBoard memory_;
  BatchesUnderWay under_way_{&prices_};
  Arrivals arrivals_;
  WorkerPlaces places_{
      {.taker = [](WorkerId) { return std::nullopt; },
       .free_in = [](WorkerId, absl::Time) { return std::nullopt; }}};
  ArtifactBudget budget_{0, [] { return DiskSpace(); }};
  Lessee who_;
  std::vector<CommitObserver> observers_;
  std::unique_ptr<SqliteStore> store_;
  std::unique_ptr<ArtifactLibrary> files_;
  std::unique_ptr<CheckpointStore> checkpoints_;
  std::unique_ptr<PlanService> plans_;
  std::unique_ptr<AutoPlanner> auto_planner_;
  std::unique_ptr<EventHub> events_;
  std::unique_ptr<LeaseWaiters> waiters_;
  absl::Time began_;
};

}  // namespace sheaf::server
