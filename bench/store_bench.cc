// Measures the store in process: single-run submits by 1 ... 256 waiters (group
// commit), and lease + finish over a backlog.
//
//   store_bench [--json FILE] [--directory DIR] [--seconds S] [--backlog N]
//
#include <time.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "bench/table.h"
#include "bench/temp_directory.h"
#include "queue/leasing/lease.h"
#include "queue/sqlite/sqlite_store.h"

namespace sheaf {
namespace {

using Clock = std::chrono::steady_clock;

// The processor time of this thread, so that neighbours on the machine do not
// count.
double ThreadSeconds() {
  timespec used;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
  return static_cast<double>(used.tv_sec) +
         static_cast<double>(used.tv_nsec) * 1e-9;
}

double SecondsSince(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

struct Flags {
  std::string json;
  std::string directory = "/tmp";  // the place of a folder of its own
  double seconds = 2;
  int backlog = 200'000;
};

const std::string kShared =
    R"({"prompt":"a red fox in the snow, golden hour, photograph, highly )"
    R"(detailed, 35mm","steps":28,"guidance":7.5,"sampler":"euler",)"
    R"("width":512,"height":512,"model":"sd15"})";

JobId Submit(Tx& tx, const std::string& request_id) {
  Queue queue = *tx.FindQueue("default");
  Job job;
  job.queue = "default";
  job.kind = "inference";
  job.owner = "bench";
  job.request_id = request_id;
  job.payload_digest = std::string(64, 'a');
  if (tx.FindRequest(job.owner, job.request_id)) std::abort();
  job.run_count = 1;
  job.counts.queued = 1;
  job.create_time = job.run_time = tx.now();
  std::vector<Run> runs(1);
  runs[0].lane = tx.LaneFor({.queue = "default",
                             .kind = "inference",
                             .model = "sd15",
                             .width = 512,
                             .height = 512});
  runs[0].run_time = tx.now();
  job.id = tx.InsertJob(job, kShared, std::move(runs), {R"({"seed":1234567})"});
  ++queue.queued;
  ++queue.revision;
  tx.SaveQueue(queue);
  tx.AppendEvent({.type = EventType::kJobSubmitted,
                  .queue = "default",
                  .job = job.id,
                  .actor = job.owner});
  return job.id;
}

Batch Lease(Tx& tx, int size) {
  Batch batch;
  const std::vector<LaneHead> heads = tx.LaneHeads();
  if (heads.empty()) return batch;
  std::vector<Run> runs = tx.Ready(heads[0].run.lane, Priority::kNormal, size);
  Queue queue = *tx.FindQueue("default");
  batch.id = tx.NewBatchId();
  batch.epoch = tx.NewEpoch();
  batch.queue = "default";
  batch.worker = WorkerId{1};
  batch.worker_name = "gpu";
  batch.start_time = tx.now();
  batch.lease_expire_time = tx.now() + absl::Seconds(30);
  Event event{.type = EventType::kRunsStarted,
              .queue = "default",
              .batch = batch.id,
              .worker = "workers/1"};
  for (Run& run : runs) {
    tx.SharedParams(run.id.job());
    tx.OwnParams(run.id);
    run.state = RunState::kRunning;
    ++run.attempt;
    run.batch = batch.id;
    run.epoch = batch.epoch;
    run.worker = "workers/1";
    run.start_time = tx.now();
    tx.SaveRun(run);
    tx.ApplyToJob(run.id.job(), {.queued = -1, .running = 1}, queue.settings);
    batch.runs.push_back(run.id);
    event.runs.push_back({run.id, run.state, run.attempt, {}});
  }
  tx.SaveBatch(batch);
  queue.queued -= static_cast<int64_t>(runs.size());
  queue.running += static_cast<int64_t>(runs.size());
  tx.SaveQueue(queue);
  tx.AppendEvent(std::move(event));
  return batch;
}

void Finish(Tx& tx, const Batch& leased) {
  const Batch batch = *tx.FindBatch(leased.id);
  Queue queue = *tx.FindQueue("default");
  Event event{.type = EventType::kRunsChanged,
              .queue = "default",
              .batch = batch.id,
              .worker = "workers/1"};
  for (const RunId id : batch.runs) {
    Run run = *tx.FindRun(id);
    run.state = RunState::kSucceeded;
    run.end_time = tx.now();
    std::string digest = std::to_string(id.value * 7919);
    digest.resize(64, 'f');
    run.outputs = {{digest, "image", "image/png"}};
    tx.SaveRun(run);
    tx.ApplyToJob(id.job(), {.running = -1, .succeeded = 1}, queue.settings);
    event.runs.push_back({id, run.state, run.attempt, {}});
    event.ended.push_back({id.job(), JobState::kSucceeded});
  }
  tx.DeleteBatch(batch.id);
  queue.running -= static_cast<int64_t>(batch.runs.size());
  ++queue.revision;
  tx.SaveQueue(queue);
  tx.AppendEvent(std::move(event));
}

// `waiters` chains: each writes again as soon as its last write is answered.
class Chains {
 public:
  using MakeCase = std::function<Store::WriteCase(int waiter, int64_t n)>;

  Chains(Store& store, int waiters, double seconds, MakeCase make)
      : store_(store), make_(std::move(make)), live_(waiters) {
    start_ = Clock::now();
    end_ = start_ + std::chrono::duration_cast<Clock::duration>(
                        std::chrono::duration<double>(seconds));
    latencies_.resize(waiters);
    for (int i = 0; i < waiters; ++i) Next(i);
    std::unique_lock lock(mutex_);
    ended_.wait(lock, [&] { return live_ == 0; });
    elapsed_ = SecondsSince(start_);
  }

  double rate() const { return static_cast<double>(count_) / elapsed_; }
  // In milliseconds.
  double Percentile(double share) {
    std::vector<double> all;
    for (auto& some : latencies_)
      all.insert(all.end(), some.begin(), some.end());
    if (all.empty()) return 0;
    std::sort(all.begin(), all.end());
    return all[static_cast<size_t>(share *
                                   static_cast<double>(all.size() - 1))] *
           1e3;
  }

 private:
  void Next(int waiter) {
    const Clock::time_point begin = Clock::now();
    store_.Write(make_(waiter, count_), [this, waiter, begin](absl::Status s) {
      if (!s.ok()) std::abort();
      latencies_[waiter].push_back(SecondsSince(begin));
      ++count_;
      if (Clock::now() < end_) return Next(waiter);
      std::lock_guard lock(mutex_);
      if (--live_ == 0) ended_.notify_one();
    });
  }

  Store& store_;
  const MakeCase make_;
  std::mutex mutex_;
  std::condition_variable ended_;
  int live_;
  std::atomic<int64_t> count_ = 0;
  std::vector<std::vector<double>> latencies_;
  Clock::time_point start_, end_;
  double elapsed_ = 0;
};

std::unique_ptr<SqliteStore> OpenFresh(const Flags& flags) {
  std::filesystem::remove_all(flags.directory);
  SqliteStore::Options options;
  options.directory = flags.directory;
  auto store = SqliteStore::Open(std::move(options));
  if (!store.ok()) {
    std::fprintf(stderr, "%s\n", store.status().ToString().c_str());
    std::exit(1);
  }
  const absl::Status status = WriteAndWait(**store, [](Tx& tx) {
    Queue queue;
    queue.name = "default";
    queue.create_time = tx.now();
    tx.SaveQueue(queue);
    return absl::OkStatus();
  });
  if (!status.ok()) std::abort();
  return *std::move(store);
}

void MeasureGroupCommit(const Flags& flags, bench::Table* table) {
  for (const int waiters : {1, 8, 64, 256}) {
    auto store = OpenFresh(flags);
    std::atomic<int64_t> serial = 0;
    Chains chains(*store, waiters, flags.seconds, [&](int, int64_t) {
      return [id = "r" + std::to_string(++serial)](Tx& tx) {
        Submit(tx, id);
        return absl::OkStatus();
      };
    });
    const std::string name = "submit, " + std::to_string(waiters) + " waiters";
    table->Add({name, chains.rate(), "jobs/s"});
    table->Add({name + ", p50", chains.Percentile(0.5), "ms"});
    table->Add({name + ", p99", chains.Percentile(0.99), "ms"});
  }
}

// Time on the writer alone: many operations in one closure, less the commit.
void MeasureWriter(const Flags& flags, bench::Table* table) {
  auto store = OpenFresh(flags);
  double seconds = 0;
  int64_t serial = 0;
  while (serial < flags.backlog) {
    const auto status = WriteAndWait(*store, [&](Tx& tx) {
      const double start = ThreadSeconds();
      for (int i = 0; i < 500; ++i) Submit(tx, "r" + std::to_string(++serial));
      seconds += ThreadSeconds() - start;
      return absl::OkStatus();
    });
    if (!status.ok()) std::abort();
  }
  table->Add(
      bench::AtMost({"submit on the writer",
                     seconds * 1e6 / static_cast<double>(serial), "us/job"},
                    12, "the design", true));
  for (const int size : {1, 4, 8}) {
    seconds = 0;
    int64_t runs = 0;
    while (runs < flags.backlog / 4) {
      const auto status = WriteAndWait(*store, [&](Tx& tx) {
        const double start = ThreadSeconds();
        for (int i = 0; i < 64; ++i) {
          const Batch batch = Lease(tx, size);
          Finish(tx, batch);
          runs += static_cast<int64_t>(batch.runs.size());
        }
        seconds += ThreadSeconds() - start;
        return absl::OkStatus();
      });
      if (!status.ok()) std::abort();
    }
    table->Add(bench::AtMost(
        {"lease + finish of " + std::to_string(size) + " on the writer",
         seconds * 1e6 / static_cast<double>(runs), "us/run"},
        18, "the design", size == 8));
  }
}

void MeasureLeaseAndFinish(const Flags& flags, bench::Table* table) {
  auto store = OpenFresh(flags);
  int64_t serial = 0;
  while (serial < flags.backlog) {
    const auto status = WriteAndWait(*store, [&](Tx& tx) {
      for (int i = 0; i < 1000; ++i) Submit(tx, "r" + std::to_string(++serial));
      return absl::OkStatus();
    });
    if (!status.ok()) std::abort();
  }
  for (const int workers : {1, 8, 64}) {
    std::vector<Batch> held(workers);
    std::atomic<int64_t> runs = 0;
    Chains chains(*store, workers, flags.seconds, [&](int waiter, int64_t) {
      return [&held, &runs, waiter](Tx& tx) {
        Batch& batch = held[waiter];
        if (batch.id) {
          Finish(tx, batch);
          runs += static_cast<int64_t>(batch.runs.size());
          batch = Batch();
        } else {
          batch = Lease(tx, 8);
        }
        return absl::OkStatus();
      };
    });
    table->Add({"lease + finish of 8, " + std::to_string(workers) + " workers",
                static_cast<double>(runs) / flags.seconds, "runs/s"});
  }
}

Flags ParseFlags(int argc, char** argv) {
  Flags flags;
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string name = argv[i];
    if (name == "--json") flags.json = argv[i + 1];
    if (name == "--directory") flags.directory = argv[i + 1];
    if (name == "--seconds") flags.seconds = std::atof(argv[i + 1]);
    if (name == "--backlog") flags.backlog = std::atoi(argv[i + 1]);
  }
  return flags;
}

}  // namespace
}  // namespace sheaf

int main(int argc, char** argv) {
  sheaf::Flags flags = sheaf::ParseFlags(argc, argv);
  const auto folder = sheaf::bench::TempDirectory::Make(flags.directory);
  if (!folder.ok()) {
    std::fprintf(stderr, "store_bench: %s\n",
                 folder.status().ToString().c_str());
    return 1;
  }
  flags.directory = (*folder)->path() + "/store";
  sheaf::bench::Table table;
  sheaf::MeasureWriter(flags, &table);
  sheaf::MeasureGroupCommit(flags, &table);
  sheaf::MeasureLeaseAndFinish(flags, &table);
  return flags.json.empty() || table.WriteJson(flags.json).ok() ? 0 : 1;
}
