// The report on a plan before anybody executes it. Pure.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "batching/plan/planner.h"
#include "batching/plan/timeline.h"
#include "batching/pricing/calibration.h"

namespace sheaf::batching {

enum class Warning {
  kUncalibrated = 1,  // the band is not known yet
  kNoGain = 2,        // leaving the jobs as they are is as fast
  kMixedSlower = 3,   // strict batches would be cheaper than mixed ones
  kSomeLater = 4,     // runs that end later than they would have
  kDeadlines = 5,     // runs that will not start in time
  kTailOfOne = 6,     // runs that nothing goes with
  kNoWorker = 7,      // runs that no worker can do, or no worker at all
};
struct WarningText {
  Warning warning;
  std::string text;
};

struct PlanReport {
  int64_t runs = 0;
  int64_t jobs = 0;
  int64_t batches = 0;
  // Predicted GPU time by the cost model, corrected.
  double plan_ms = 0;
  double baseline_ms = 0;        // what would run now
  double singles_ms = 0;         // one by one
  double bound_ms = 0;           // no plan can be cheaper
  Estimate estimate;             // of the plan
  std::string gain;              // over the baseline, with its band
  std::string profile;           // by which most of the runs are priced
  double heuristic_speedup = 1;  // the original's; shown as "heuristic"
  Comparison comparison;         // with the baseline, run by run
  std::map<Unplanned, int64_t> unplanned;
  int64_t alone = 0;  // planned runs that are batches of one
  std::vector<WarningText> warnings;
};

// The work (ShapeTable::work) of most rows; 0 where there are none.
uint32_t WorkOfMost(const RowSet& set);

// Plans the baseline, too. `calibration` is of the work of most rows; the model
// is uncorrected.
PlanReport Report(const RowSet& set, const CostModel& model, const Plan& plan,
                  const Calibration& calibration, const PlanOptions& options);

// Whether a queue that plans by itself should execute this plan: if it gains at
// least `gain_min` (1.1), also at the slow end of the band, and only with a
// band.
bool IsWorthExecuting(const PlanReport& report, double gain_min);

// "No batchable jobs found" and why; for a set without rows to plan.
std::string NothingToPlan(const RowSet& set);

}  // namespace sheaf::batching
