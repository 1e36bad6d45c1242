// Measures the leasing path in process, as the server wires it: processor time
// of a lease on the writer by the number of lanes in which runs wait, and of a
// submit by the number of idle workers, with the workers that it wakes.
//
//   scale_bench [--json FILE] [--directory DIR] [--rounds N] [--leases N]
//
// The store's files belong on a disk without delay (/dev/shm): the disk is not
// what is measured. All sizes are measured in turns.
#include <time.h>

#include <algorithm>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "CLI/CLI.hpp"
#include "absl/strings/str_cat.h"
#include "bench/table.h"
#include "bench/temp_directory.h"
#include "queue/leasing/finish.h"
#include "queue/queues.h"
#include "queue/sqlite/sqlite_store.h"
#include "queue/submit.h"
#include "server/scheduling/lease_planner.h"
#include "server/scheduling/lease_waiters.h"

namespace sheaf::server {
namespace {

double CpuMicros(clockid_t clock) {
  timespec used;
  clock_gettime(clock, &used);
  return static_cast<double>(used.tv_sec) * 1e6 +
         static_cast<double>(used.tv_nsec) * 1e-3;
}

double Median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

void MustBe(bool good, const std::string& what) {
  if (good) return;
  std::fprintf(stderr, "scale_bench: %s\n", what.c_str());
  std::exit(1);
}

struct Flags {
  std::string json;
  std::string directory = "/dev/shm";  // the place of a folder of its own
  int rounds = 9;
  int leases = 100;  // in each round
};

constexpr char kPaused[] = "paused";
// The part by which an owner's lanes differ.
enum class By {
  kSize,
  kModel,
  kKind,
  kPaused,  // by model, in a queue that hands nothing out
};

// A store with the parts that lease from it, and with a worker.
class Rig {
 public:
  explicit Rig(const Flags& flags, const std::string& name,
               Names models = {"sd15"})
      : worker_(WorkerOf(1, std::move(models))) {
    const std::string directory = absl::StrCat(flags.directory, "/", name);
    SqliteStore::Options options;
    options.directory = directory;
    options.observer = [this](const Committed& committed) {
      arrivals_.NoteCommit(committed, absl::Now());
      if (waiters_) waiters_->NoteCommit(committed);
    };
    auto store = SqliteStore::Open(std::move(options));
    MustBe(store.ok(), store.status().ToString());
    store_ = *std::move(store);
    Write([](Tx& tx) { EnsureDefaultQueue(tx); });
    waiters_ = std::make_unique<LeaseWaiters>(LeaseWaiters::Parts{
        .store = store_.get(),
        .timer = &timer_,
        .workers = &registry_,
        .places = &places_,
        .stats = &stats_,
        .policy = &planner_,
        .looked = [this](const LeaseNotes& notes,
                         absl::Time now) { planner_.Looked(notes, now); },
        .now = [] { return absl::Now(); },
        .lease_duration = absl::Seconds(30)});
  }
  ~Rig() {
    waiters_->Stop();
    timer_.Stop();
    store_.reset();
  }

  template <class F>
  void Write(F use_case) {
    const absl::Status status = WriteAndWait(*store_, [&](Tx& tx) {
      use_case(tx);
      return absl::OkStatus();
    });
    MustBe(status.ok(), status.ToString());
  }

  // Jobs of one run each, spread over that many owners, and lanes of each.
  void Submit(int jobs, int owners, int lanes, By by) {
    int made = 0;
    while (made < jobs) {
      Write([&](Tx& tx) {
        for (int i = 0; i < 500 && made < jobs; ++i, ++made)
          SubmitTo(tx, made % owners, made / owners % lanes, by);
      });
    }
  }
  void Pause() {
    Write([](Tx& tx) {
      MustBe(CreateQueue(tx, kPaused, {}).ok(), "no queue to pause");
      MustBe(PauseQueue(tx, kPaused, {}).ok(), "the queue is not paused");
    });
  }
  void SubmitTo(Tx& tx, int owner, int lane, By by) {
    NewJob job;
    job.owner = absl::StrCat("owner-", owner);
    job.shared.prompt = "a red fox in the snow";
    job.shared.steps = 20;
    job.shared.model = "sd15";
    job.shared.width = job.shared.height = 512;
    const std::string name = absl::StrCat("of-", owner, "-", lane);
    switch (by) {
      case By::kSize:
        job.shared.width = job.shared.height = 8 * (8 + lane);
        break;
      case By::kModel:
        job.shared.model = name;
        break;
      case By::kKind:
        job.kind = name;
        break;
      case By::kPaused:
        job.queue = kPaused;
        job.shared.model = name;
        break;
    }
    const auto prepared = Prepare(std::move(job), ++entropy_);
    MustBe(prepared.ok(), prepared.status().ToString());
    const auto made = sheaf::Submit(tx, *prepared);
    MustBe(made.ok(), made.status().ToString());
  }

  // Leases and finishes `count` times; answers the microseconds of a lease.
  double LeaseAndFinish(int count) {
    double micros = 0;
    for (int i = 0; i < count; ++i) {
      LeaseResult result;
      double spent = 0;
      Write([&](Tx& tx) {
        const double start = CpuMicros(CLOCK_THREAD_CPUTIME_ID);
        result = Lease(tx, worker_, absl::Seconds(30), &planner_);
        spent = CpuMicros(CLOCK_THREAD_CPUTIME_ID) - start;
      });
      MustBe(result.leased.has_value(), "nothing to lease");
      micros += spent;
      planner_.Looked(result.notes, absl::Now());
      Finish(*result.leased, worker_);
    }
    return micros / count;
  }

  void Finish(const Leased& leased, const Lessee& who) {
    planner_.Took(leased, who, 1000, absl::Now());
    FinishReport report{ClaimOf(leased.batch), {}};
    for (const LeasedRun& run : leased.runs) {
      report.outcomes.push_back({run.run.id, run.run.attempt, Succeeded{}});
    }
    Write([&](Tx& tx) {
      const auto states = sheaf::Finish(tx, report);
      MustBe(states.ok(), states.status().ToString());
    });
  }

  // Lets `count` workers wait, all alike.
  void Idle(int count) {
    for (int i = 1; i <= count; ++i) WaitFor(i);
    WaitUntil([&] { return waiters_->looks() >= count; });
  }
  // Submits one run after another, each answered by a worker that then waits
  // again; answers the process's microseconds for each.
  double SubmitToIdle(int count) {
    const double start = CpuMicros(CLOCK_PROCESS_CPUTIME_ID);
    for (int i = 0; i < count; ++i) {
      const int64_t looks = waiters_->looks();
      Write([&](Tx& tx) { SubmitTo(tx, 0, 0, By::kSize); });
      std::optional<Leased> leased;
      {
        std::unique_lock lock(mutex_);
        answered_.wait(lock, [&] { return answer_.has_value(); });
        leased = std::exchange(answer_, std::nullopt);
      }
      // Workers that were woken in vain may be looking still.
      Write([](Tx&) {});
      woken_ += waiters_->looks() - looks;
      ++submits_;
      const auto id = static_cast<int>(leased->batch.worker.value);
      Finish(*leased, WorkerOf(id));
      const int64_t before = waiters_->looks();
      WaitFor(id);
      WaitUntil([&] { return waiters_->looks() > before; });
    }
    return (CpuMicros(CLOCK_PROCESS_CPUTIME_ID) - start) / count;
  }
  double WokenBySubmit() const {
    return static_cast<double>(woken_) / static_cast<double>(submits_);
  }

 private:
  static Lessee WorkerOf(int id, Names models = {"sd15"}) {
    Lessee who;
    who.id = WorkerId{id};
    who.name = absl::StrCat("worker-", id);
    who.models = std::move(models);
    who.device = "gpu";
    who.new_secret = "sixteen bytes or";
    return who;
  }
  void WaitFor(int id) {
    (void)waiters_->Wait(WorkerOf(id), absl::Now() + absl::Hours(1),
                         [this](absl::StatusOr<std::optional<Leased>> answer) {
                           if (!answer.ok() || !answer->has_value()) return;
                           const std::lock_guard lock(mutex_);
                           answer_ = **answer;
                           answered_.notify_one();
                         });
  }
  template <class F>
  void WaitUntil(F done) {
    while (!done()) absl::SleepFor(absl::Microseconds(100));
  }

  std::unique_ptr<SqliteStore> store_;
  Timer timer_;
  WorkerRegistry registry_;
  StatsBoard stats_;
  Arrivals arrivals_;
  PricesBoard prices_{batching::Profile()};
  MemoryBoard memory_;
  WorkerPlaces places_{
      {.taker = [](WorkerId) { return std::nullopt; },
       .free_in = [](WorkerId, absl::Time) { return std::nullopt; }}};
  LeasePlanner planner_{{},
                        {.prices = &prices_,
                         .memory = &memory_,
                         .places = &places_,
                         .arrivals = &arrivals_,
                         .count_workers = [] { return 1; }}};
  std::unique_ptr<LeaseWaiters> waiters_;
  const Lessee worker_;
  uint64_t entropy_ = 0;
  int64_t woken_ = 0;
  int64_t submits_ = 0;
  std::mutex mutex_;
  std::condition_variable answered_;
  std::optional<Leased> answer_;  // guarded by mutex_
};

// A lane is an owner, a kind, a model and a size: many owners, or owners with
// many of the others.
void MeasureLanes(const Flags& flags, bench::Table* table) {
  struct Case {
    std::string name;
    int owners;
    int lanes;  // of each
    By by;
    double bound;  // times the first case
    std::unique_ptr<Rig> rig;
    std::vector<double> micros;
  };
  std::vector<Case> cases;
  const auto add = [&](const std::string& name, int owners, int lanes, By by,
                       double bound) {
    cases.push_back({name, owners, lanes, by, bound, nullptr, {}});
  };
  add("1 lane", 1, 1, By::kSize, 0);
  add("100 lanes, 10 sizes", 10, 10, By::kSize, 0);
  add("1,000 lanes, 10 sizes", 100, 10, By::kSize, 0);
  add("5,000 lanes, 10 sizes", 500, 10, By::kSize, 2);
  add("20,000 lanes, 10 sizes", 2000, 10, By::kSize, 3);
  add("5,000 lanes of 5,000 owners", 5000, 1, By::kSize, 2);
  add("20,000 lanes, 1,000 sizes", 20, 1000, By::kSize, 3);
  add("20,000 lanes, 20,000 models", 20, 1000, By::kModel, 3);
  add("20,000 lanes, 20,000 kinds", 20, 1000, By::kKind, 3);
  add("1 lane, beside 20,000 of a paused queue", 20, 1000, By::kPaused, 3);
  for (Case& each : cases) {
    const bool any_model = each.by == By::kModel || each.by == By::kPaused;
    each.rig =
        std::make_unique<Rig>(flags, absl::StrCat("lanes", &each - &cases[0]),
                              any_model ? Names{"*"} : Names{"sd15"});
    const int lanes = each.owners * each.lanes;
    const int leases = (flags.rounds + 1) * flags.leases;
    if (each.by == By::kPaused) {
      each.rig->Pause();
      each.rig->Submit(lanes, each.owners, each.lanes, each.by);
      each.rig->Submit(leases, 1, 1, By::kSize);
    } else {
      each.rig->Submit(std::max(2 * lanes, lanes + leases), each.owners,
                       each.lanes, each.by);
    }
    each.rig->LeaseAndFinish(flags.leases);
  }
  for (int round = 0; round < flags.rounds; ++round) {
    for (Case& each : cases) {
      each.micros.push_back(each.rig->LeaseAndFinish(flags.leases));
    }
  }
  const double one = Median(cases[0].micros);
  for (const Case& each : cases) {
    const double micros = Median(each.micros);
    table->Add({"a lease among " + each.name, micros, "us"});
    if (each.bound == 0) continue;
    table->Add(bench::AtMost({"  of a lease at 1 lane", micros / one, "times"},
                             each.bound, "the design", true));
  }
}

void MeasureWorkers(const Flags& flags, bench::Table* table) {
  struct Case {
    int workers;
    std::unique_ptr<Rig> rig;
    std::vector<double> micros;
  };
  std::vector<Case> cases;
  for (const int workers : {10, 100, 1000, 10'000}) {
    cases.push_back(
        {workers,
         std::make_unique<Rig>(flags, absl::StrCat("workers", workers)),
         {}});
    cases.back().rig->Idle(workers);
    cases.back().rig->SubmitToIdle(flags.leases);
  }
  for (int round = 0; round < flags.rounds; ++round) {
    for (Case& each : cases) {
      each.micros.push_back(each.rig->SubmitToIdle(flags.leases));
    }
  }
  const double ten = Median(cases[0].micros);
  for (const Case& each : cases) {
    const std::string name = absl::StrCat(each.workers, " idle workers");
    const double micros = Median(each.micros);
    table->Add({"submit, lease and finish beside " + name, micros, "us"});
    if (each.workers == 10'000) {
      table->Add(bench::AtMost({"  of that beside 10", micros / ten, "times"},
                               2, "the design", true));
    }
    table->Add(bench::AtMost(
        {"  workers woken by a run", each.rig->WokenBySubmit(), ""}, 1,
        "the design", true));
  }
}

int Main(int argc, char** argv) {
  Flags flags;
  CLI::App app("Measures the leasing path by lanes and by idle workers.");
  app.add_option("--json", flags.json, "write the rows there");
  app.add_option("--directory", flags.directory,
                 "where the stores' files go, into a folder that is removed")
      ->capture_default_str();
  app.add_option("--rounds", flags.rounds)->capture_default_str();
  app.add_option("--leases", flags.leases, "in each round")
      ->capture_default_str();
  CLI11_PARSE(app, argc, argv);
  const auto folder = bench::TempDirectory::Make(flags.directory);
  MustBe(folder.ok(), folder.status().ToString());
  flags.directory = (*folder)->path();
  bench::Table table;
  MeasureLanes(flags, &table);
  MeasureWorkers(flags, &table);
  if (!flags.json.empty() && !table.WriteJson(flags.json).ok()) return 1;
  return table.missed() > 0 ? 1 : 0;
}

}  // namespace
}  // namespace sheaf::server

int main(int argc, char** argv) { return sheaf::server::Main(argc, argv); }
