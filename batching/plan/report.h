// The report on a plan before anybody executes it. Pure.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
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

// Whether to execute a plan.
enum class Verdict {
  kExecute = 1,
  kNoGain = 2,  // the jobs as they are take next to no longer
  kSlower = 3,  // the jobs as they are take less time
};
// "PLAN_VERDICT_EXECUTE"
std::string_view NameOf(Verdict verdict);

struct PlanReport {
  int64_t runs = 0;
  int64_t jobs = 0;
  int64_t batches = 0;
  // Predicted GPU time by the cost model, corrected as all times here are.
  double plan_ms = 0;
  double baseline_ms = 0;  // what would run now
  double singles_ms = 0;   // one by one
  double bound_ms = 0;     // no plan can be cheaper
  Estimate estimate;       // of the plan
  std::string gain;        // over the baseline, with its band
  double speedup = 1;      // baseline over plan
  Verdict verdict = Verdict::kExecute;
  std::string profile;           // by which most of the runs are priced
  bool measured = false;         // on this device, for their very model
  double heuristic_speedup = 1;  // the original's; shown as "heuristic"
  Comparison comparison;         // with the baseline, run by run
  std::map<Unplanned, int64_t> unplanned;
  int64_t alone = 0;  // planned runs that are batches of one
  // The batches that a plan would have that fills each of them, and their time;
  // 0 where that was not asked.
  int64_t fullest_batches = 0;
  double fullest_ms = 0;
  std::vector<WarningText> warnings;
};

// The work (ShapeTable::work) of most rows; 0 where there are none.
uint32_t WorkOfMost(const RowSet& set);

// Plans the baseline, too. `calibration` is of the work of most rows. The model
// may be corrected by it already (CostModel::correction).
PlanReport Report(const RowSet& set, const CostModel& model, const Plan& plan,
                  const Calibration& calibration, const PlanOptions& options);

// Takes in the plan that fills its batches.
void NoteFullest(const Plan& filled, const CostModel& model,
                 const Calibration& calibration, PlanReport* report);

// Whether a queue that plans by itself should execute this plan: if it gains at
// least `gain_min` (1.1), also at the slow end of its band. A plan without a
// band must be priced by figures measured on the device.
bool IsWorthExecuting(const PlanReport& report, double gain_min);

// Whether no two runs go together, and no order of them saves time.
bool IsNothing(const PlanReport& report);

// "No batchable jobs found" and why, for a set whose rows, if there are any, go
// one by one.
std::string NothingToPlan(const RowSet& set);

}  // namespace sheaf::batching
