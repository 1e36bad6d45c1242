// From a snapshot of waiting runs to a plan: pure, deterministic, and near
// linear in the number of runs. The rows must be in FIFO order
// (RowSet::Sort).
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "absl/types/span.h"
#include "batching/plan/plan.h"

namespace sheaf::batching {

struct PlanOptions {
  int batch_size = 4;
  // How many runs of a key fit the device (memory.h); empty: no limit.
  std::function<int(const BatchKey& key)> rows_max;
  // Stop batches at the knee: further rows cost as much as they bring. 0: leave
  // that to the costs.
  double knee_share = 0;
  // The worth of a run's waiting (optimal_cuts.h). 0: GPU time alone counts.
  double waiting_weight = 0;
  // Whether a run may ride in a batch of a higher priority.
  bool across_priorities = false;
  // No run may be predicted to end later than under FIFO by more than this.
  absl::Duration harm_max = absl::InfiniteDuration();
  // How long a batch may be passed over by batches of the loaded model.
  absl::Duration defer_max = absl::ZeroDuration();
  absl::Time now = absl::UnixEpoch();  // against which deadlines are held
  // Bounds of the search over all rows, each group having its share: rows
  // looked at while cutting (optimal_cuts.h), but no less than `work_per_row`
  // each, and costs asked for while exchanging rows.
  int64_t work_max = 10'000'000;
  int64_t work_per_row = 20;
  int64_t exchanges_max = 1'000'000;
  int threads = 1;  // to plan different keys on; the plan is the same
};

// Plans by one rule.
Plan MakePlan(const RowSet& set, const CostModel& model, const PolicySpec& spec,
              const PlanOptions& options);
// For each key the cheapest of the rules, made cheaper by exchanges.
Plan MakeBestPlan(const RowSet& set, const CostModel& model,
                  absl::Span<const PolicySpec> candidates,
                  const PlanOptions& options);
// Either of them: kBest takes every rule there is.
Plan MakePlan(const RowSet& set, const CostModel& model, Policy policy,
              const PlanOptions& options);
// The same for some of the rows, in the order in which they wait.
Plan MakePlan(const RowSet& set, const CostModel& model, Policy policy,
              const PlanOptions& options, absl::Span<const uint32_t> rows);

// A lower bound of the time that a plan with such batches takes. The distance
// of a plan from it says how much a better planner might still find.
double LowerBound(const RowSet& set, const CostModel& model, int batch_size);

}  // namespace sheaf::batching
