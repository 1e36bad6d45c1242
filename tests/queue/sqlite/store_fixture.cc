#include "tests/queue/sqlite/store_fixture.h"

#include <map>

namespace sheaf {
namespace {

template <class Start>
absl::Status Await(Start start) {
  Signal ended;
  absl::Status result;
  start([&](absl::Status status) {
    result = std::move(status);
    ended.Notify();
  });
  ended.Wait();
  return result;
}

}  // namespace

absl::Status WriteTo(Store& store, Store::WriteCase use_case) {
  return Await([&](Store::Done done) {
    store.Write(std::move(use_case), std::move(done));
  });
}

absl::Status ReadFrom(Store& store, Store::ReadCase use_case) {
  return Await([&](Store::Done done) {
    store.Read(std::move(use_case), std::move(done));
  });
}

SqliteStore::Options StoreTest::MakeOptions() {
  SqliteStore::Options options;
  options.directory = folder_.path();
  options.clock = [this] { return absl::FromUnixMillis(clock_ms_); };
  options.observer = [this](const Committed& committed) {
    last_commit_ = committed;
    ++commits_;
  };
  options.recovery_delay_min = absl::Milliseconds(1);
  return options;
}

void StoreTest::Open(SqliteStore::Options options) {
  const absl::Status opened = TryOpen(std::move(options));
  ASSERT_TRUE(opened.ok()) << opened;
}

absl::Status StoreTest::TryOpen(SqliteStore::Options options) {
  store_.reset();
  auto store = SqliteStore::Open(std::move(options));
  if (!store.ok()) return store.status();
  store_ = *std::move(store);
  return absl::OkStatus();
}

absl::Status StoreTest::Write(Store::WriteCase use_case) {
  return WriteTo(*store_, std::move(use_case));
}

absl::Status StoreTest::Read(Store::ReadCase use_case) {
  return ReadFrom(*store_, std::move(use_case));
}

JobId StoreTest::Submit(int runs, const std::string& request_id) {
  JobId id;
  EXPECT_TRUE(Write([&](Tx& tx) {
                id = SubmitTo(tx, runs, request_id);
                return absl::OkStatus();
              }).ok());
  return id;
}

std::string StoreTest::Ask(const std::string& sql) {
  SQLite::Database db(database(), SQLite::OPEN_READONLY, 1000);
  return db.execAndGet(sql).getString();
}

Lane MakeLane() {
  return {.queue = "default",
          .kind = "inference",
          .model = "sd15",
          .vae = "",
          .width = 512,
          .height = 512};
}

Queue MakeQueue(const std::string& name, absl::Time now) {
  Queue queue;
  queue.name = name;
  queue.create_time = now;
  return queue;
}

JobId SubmitTo(Tx& tx, int count, const std::string& request_id) {
  Queue queue =
      tx.FindQueue("default").value_or(MakeQueue("default", tx.now()));
  Job job;
  job.queue = "default";
  job.kind = "inference";
  job.owner = "ann";
  job.request_id = request_id;
  job.run_count = count;
  job.counts.queued = count;
  job.create_time = job.run_time = tx.now();
  std::vector<Run> runs(count);
  const LaneId lane = tx.LaneFor(MakeLane());
  for (Run& run : runs) {
    run.lane = lane;
    run.run_time = tx.now();
  }
  const std::vector<std::string> own(count, R"({"seed":7})");
  const JobId id =
      tx.InsertJob(job, R"({"prompt":"a red fox"})", std::move(runs), own);
  queue.queued += count;
  ++queue.revision;
  tx.SaveQueue(queue);
  tx.AppendEvent({.type = EventType::kJobSubmitted,
                  .queue = "default",
                  .job = id,
                  .actor = "ann"});
  return id;
}

namespace {

// Saves the counts, queue and event of runs that moved from one state to
// another.
void Note(Tx& tx, const Batch& batch, const std::vector<Run>& runs,
          RunState from, RunState to, EventType type) {
  Queue queue = *tx.FindQueue("default");
  Event event{.type = type, .queue = "default", .batch = batch.id};
  std::map<JobId, RunCounts> deltas;
  for (const Run& run : runs) {
    --deltas[run.id.job()].of(from);
    ++deltas[run.id.job()].of(to);
    event.runs.push_back({run.id, to, run.attempt, {}});
  }
  for (const auto& [job, delta] : deltas) {
    const RunCounts counts = tx.ApplyToJob(job, delta, queue.settings);
    queue.queued += delta.queued;
    queue.running += delta.running;
    if (counts.live() == 0) event.ended.push_back({job, StateOf(counts)});
  }
  ++queue.revision;
  tx.SaveQueue(queue);
  tx.AppendEvent(std::move(event));
}

}  // namespace

Batch LeaseFrom(Tx& tx, int count) {
  std::vector<Run> runs =
      tx.Ready(tx.LaneFor(MakeLane()), Priority::kNormal, count);
  Batch batch;
  if (runs.empty()) return batch;
  batch.id = tx.NewBatchId();
  batch.epoch = tx.NewEpoch();
  batch.queue = "default";
  batch.worker = WorkerId{1};
  batch.worker_name = "gpu";
  batch.start_time = tx.now();
  batch.lease_expire_time = tx.now() + absl::Seconds(30);
  for (Run& run : runs) {
    run.state = RunState::kRunning;
    ++run.attempt;
    run.batch = batch.id;
    run.epoch = batch.epoch;
    run.worker = "workers/1";
    run.start_time = tx.now();
    tx.SaveRun(run);
    batch.runs.push_back(run.id);
  }
  tx.SaveBatch(batch);
  Note(tx, batch, runs, RunState::kQueued, RunState::kRunning,
       EventType::kRunsStarted);
  return batch;
}

void FinishAll(Tx& tx, const Batch& batch) {
  std::vector<Run> runs;
  for (const RunId id : batch.runs) {
    Run run = *tx.FindRun(id);
    run.state = RunState::kSucceeded;
    run.end_time = tx.now();
    run.outputs = {{"ab" + std::to_string(id.value), "image", "image/png"}};
    tx.SaveRun(run);
    runs.push_back(std::move(run));
  }
  tx.DeleteBatch(batch.id);
  Note(tx, batch, runs, RunState::kRunning, RunState::kSucceeded,
       EventType::kRunsChanged);
}

}  // namespace sheaf
