// Waiting runs with defaults, so that a test writes only the values that
// matter.
#pragma once

#include <map>
#include <random>
#include <string>
#include <vector>

#include "batching/plan/planner.h"
#include "batching/rows/rows.h"

namespace sheaf::batching {

struct RunSpec {
  int64_t job = 1;
  std::string kind = "inference";
  std::string model = "base";
  int steps = 20;
  double guidance = 7.5;
  std::string sampler = "euler_a";
  std::map<std::string, double> controls;  // type -> weight
  int64_t seed = 1;
  int width = 512;
  Priority priority = Priority::kNormal;
  int64_t time_ms = 0;
  int64_t deadline_ms = kNever;
  std::string owner = "someone";
};

inline RunParams ParamsOf(const RunSpec& spec) {
  RunParams params;
  params.model = spec.model;
  params.steps = spec.steps;
  params.guidance = spec.guidance;
  params.sampler = spec.sampler;
  params.seed = spec.seed;
  params.width = spec.width;
  params.height = 512;
  for (const auto& [type, weight] : spec.controls) {
    params.controls.push_back({.type = type, .weight = weight});
  }
  return params;
}

// Rows in FIFO order; a job's runs are numbered as they come.
inline RowSet MakeRows(const std::vector<RunSpec>& specs,
                       const ShapeTable::Options& options = {}) {
  RowSet set;
  set.shapes = ShapeTable(options);
  std::map<int64_t, int> runs;
  for (const RunSpec& spec : specs) {
    Run run;
    run.id = RunId(JobId{spec.job}, runs[spec.job]++);
    run.priority = spec.priority;
    run.run_time = absl::FromUnixMillis(spec.time_ms);
    if (spec.deadline_ms != kNever) {
      run.start_deadline = absl::FromUnixMillis(spec.deadline_ms);
    }
    set.Add(run, spec.kind, spec.owner, ParamsOf(spec), absl::InfiniteFuture());
  }
  set.Sort();
  return set;
}

// A device that gains much from batching, in round numbers.
inline Profile FastDevice() {
  return {.name = "fast",
          .step = {60, 28, 4.5},
          .control = {24, 11, 1.75},
          .encode = {3, 0.5},
          .decode = {0, 9},
          .swap = 2500};
}
// A device that gains little.
inline Profile SlowDevice() {
  return {.name = "slow",
          .step = {104, 17, 43},
          .control = {40, 6, 17.5},
          .encode = {3, 2},
          .decode = {0, 95},
          .swap = 4200};
}

// Sizes of the batches, in the order of the plan.
inline std::vector<int> SizesOf(const Plan& plan) {
  std::vector<int> sizes;
  for (const PlannedBatch& batch : plan.batches) sizes.push_back(batch.count);
  return sizes;
}

// Any mixture of runs, for property tests.
inline RunSpec RandomRun(std::mt19937& random, int64_t job) {
  const auto pick = [&](auto... values) {
    const std::common_type_t<decltype(values)...> list[] = {values...};
    return list[random() % (sizeof...(values))];
  };
  RunSpec spec;
  spec.job = job;
  spec.model =
      pick(std::string("base"), std::string("base"), std::string("anime"));
  spec.steps = pick(4, 20, 25, 40);
  spec.guidance = pick(1.0, 5.0, 7.5);
  spec.sampler = pick(std::string("euler_a"), std::string("unipc"));
  spec.seed = static_cast<int64_t>(random() % 1000);
  spec.time_ms = static_cast<int64_t>(random() % 5000);
  for (const char* type : {"depth", "edge", "seg"}) {
    if (random() % 4 == 0) spec.controls[type] = pick(0.0, 0.5, 1.0);
  }
  return spec;
}

inline std::vector<RunSpec> RandomRuns(std::mt19937& random, int jobs) {
  std::vector<RunSpec> runs;
  for (int job = 1; job <= jobs; ++job) {
    const RunSpec spec = RandomRun(random, job);
    const int count = 1 + static_cast<int>(random() % 6);
    for (int i = 0; i < count; ++i) runs.push_back(spec);
  }
  return runs;
}

}  // namespace sheaf::batching
