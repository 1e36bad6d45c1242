// The planner alone, in process: 10k, 100k and 1M waiting runs of mixed keys
// made into rows, planned by the cheapest rule and held against FIFO. Each
// size runs in a process of its own, so that its peak memory is its own.
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <cstdlib>
#include <initializer_list>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "absl/time/clock.h"
#include "batching/plan/planner.h"
#include "batching/plan/timeline.h"
#include "bench/suite.h"
#include "bench/table.h"

namespace sheaf::batching {
namespace {

// A queue as many clients make it: few models and sizes, round numbers of
// steps, one control or none for most, jobs of one to eight runs.
class Mix {
  template <class T>
  T Pick(std::initializer_list<T> values) {
    return values.begin()[random_() % values.size()];
  }

 public:
  RunParams Next() {
    RunParams params;
    params.prompt = "a prompt";
    params.seed = static_cast<int64_t>(random_() >> 2);
    params.model = Pick({"base", "base", "base", "anime", "photo"});
    params.width = Pick({512, 512, 768, 1024});
    params.height = Pick({512, 512, 768, 1024});
    params.steps = Pick({20, 25, 28, 30, 40, 50});
    params.guidance = Pick({1.0, 5.0, 7.0, 7.5});
    params.sampler = Pick({"euler_a", "dpmpp_2m_karras", "unipc"});
    const int controls = Pick({0, 0, 1, 1, 2});
    for (int i = 0; i < controls; ++i) {
      Control& control = params.controls.emplace_back();
      control.type = Pick({"edge", "depth", "seg", "pose"});
      control.weight = Pick({0.0, 0.3, 0.5, 0.7, 1.0});
      control.end = Pick({0.6, 1.0});
    }
    return params;
  }
  int RunsOfJob() { return 1 + static_cast<int>(random_() % 8); }

 private:
  std::mt19937 random_{20240607};
};

Profile DeviceOf() {
  // The H200 of tests/golden/batching; any would do.
  return {.name = "h200",
          .step = {61, 28.7, 4.375},
          .control = {24, 11, 1.75},
          .encode = {3, 0.5},
          .decode = {0, 9},
          .swap = 2500};
}

struct Measured {
  double rows_s = 0;
  double plan_s = 0;
  double report_s = 0;
  double memory_mib = 0;
  double gain = 0;
  double batches = 0;
};

double Seconds(absl::Time since) {
  return absl::ToDoubleSeconds(absl::Now() - since);
}

RowSet RowsOf(int64_t count) {
  Mix mix;
  RowSet set;
  set.rows.reserve(count);
  int64_t job = 0;
  while (static_cast<int64_t>(set.rows.size()) < count) {
    ++job;
    const RunParams params = mix.Next();
    const int runs = mix.RunsOfJob();
    for (int i = 0; i < runs; ++i) {
      Run run;
      run.id = RunId(JobId{job}, i);
      run.run_time = absl::FromUnixMillis(job);
      set.Add(run, "inference", "someone", params, absl::InfiniteFuture());
    }
  }
  return set;
}

Measured Measure(int64_t count, int batch_size) {
  Measured measured;
  absl::Time begin = absl::Now();
  RowSet set = RowsOf(count);
  measured.rows_s = Seconds(begin);
  begin = absl::Now();
  set.Sort();
  const CostModel model(&set.shapes, DeviceOf());
  PlanOptions options;
  options.batch_size = batch_size;
  options.threads = 2;
  const Plan plan = MakePlan(set, model, Policy::kBest, options);
  measured.plan_s = Seconds(begin);
  begin = absl::Now();
  const Plan fifo = MakePlan(set, model, Policy::kNatural, options);
  const Comparison comparison =
      Compare(set, TimelineOf(set, model, fifo), TimelineOf(set, model, plan),
              options.now);
  measured.report_s = Seconds(begin);
  if (comparison.mean_after_ms <= 0) std::abort();
  measured.gain = fifo.gpu_ms / plan.gpu_ms;
  measured.batches = static_cast<double>(plan.batches.size());
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  measured.memory_mib = static_cast<double>(usage.ru_maxrss) / 1024;
  return measured;
}

// Measures in a child process of its own; nothing where that failed.
std::optional<Measured> MeasureApart(int64_t count, int batch_size) {
  int ends[2];
  if (pipe(ends) != 0) return std::nullopt;
  const pid_t child = fork();
  if (child == 0) {
    const Measured measured = Measure(count, batch_size);
    const auto wrote = write(ends[1], &measured, sizeof(measured));
    _exit(wrote == sizeof(measured) ? 0 : 1);
  }
  close(ends[1]);
  Measured measured;
  const auto got = read(ends[0], &measured, sizeof(measured));
  close(ends[0]);
  waitpid(child, nullptr, 0);
  if (got != sizeof(measured)) return std::nullopt;
  return measured;
}

void AddRows(const std::string& name, const Measured& measured, bool largest,
             bool judge, bench::Table* table) {
  using bench::AtMost;
  const double total = measured.rows_s + measured.plan_s + measured.report_s;
  table->Add({name + ", rows made", measured.rows_s, "s"});
  table->Add({name + ", planned", measured.plan_s, "s"});
  table->Add({name + ", held against FIFO", measured.report_s, "s"});
  bench::Row time{name + ", analysed", total, "s"};
  bench::Row memory{name + ", memory", measured.memory_mib, "MiB"};
  table->Add(largest ? AtMost(time, 4, "the design", judge) : time);
  table->Add(largest ? AtMost(memory, 1024, "the design", judge) : memory);
  table->Add({name + ", batches", measured.batches, ""});
  table->Add({name + ", gain over leaving jobs alone", measured.gain, "x"});
}

int Main(int argc, char** argv) {
  CLI::App app("Plans 10k, 100k and 1M waiting runs: time and memory.");
  std::string json;
  int batch_size = 8;
  bool quick = false;
  app.add_option("--json", json, "Write the rows there");
  app.add_option("--batch-size", batch_size, "Runs in a batch at most");
  app.add_flag("--quick", quick, "Small sizes; judges nothing");
  CLI11_PARSE(app, argc, argv);
  bench::Table table;
  std::vector<int64_t> counts = {10'000, 100'000, 1'000'000};
  if (quick) counts = {1'000, 10'000};
  double before = 0;
  int64_t count_before = 0;
  for (const int64_t count : counts) {
    const auto measured = MeasureApart(count, batch_size);
    if (!measured) return 1;
    AddRows("plan " + bench::CountName(count), *measured,
            count == counts.back(), !quick, &table);
    if (count_before > 0) {
      // 1 would be linear.
      const double growth = measured->plan_s / before *
                            static_cast<double>(count_before) /
                            static_cast<double>(count);
      table.Add({"time a run, against " + bench::CountName(count_before),
                 growth, "x"});
    }
    before = measured->plan_s;
    count_before = count;
  }
  if (!json.empty() && !table.WriteJson(json).ok()) return 1;
  return table.missed() > 0 ? 1 : 0;
}

}  // namespace
}  // namespace sheaf::batching

int main(int argc, char** argv) { return sheaf::batching::Main(argc, argv); }
