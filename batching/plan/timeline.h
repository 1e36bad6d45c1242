// When each run of a plan is predicted to end, and how that compares with
// another plan of the same rows. Pure functions.
#pragma once

#include <string>
#include <vector>

#include "absl/time/time.h"
#include "batching/plan/plan.h"

namespace sheaf::batching {

// Milliseconds from now to the end of the batch that holds the row, by row
// index, on one device that begins at once. Changes of model count.
struct Timeline {
  std::vector<double> start_ms;  // of its batch
  std::vector<double> end_ms;
};
Timeline TimelineOf(const RowSet& set, const CostModel& model,
                    const Plan& plan);
// With every time multiplied.
Timeline Scaled(Timeline timeline, double factor);

// Orders batches to run: by priority, then by `due` (same order as
// plan.batches, smaller first), where a batch of the loaded model may go
// before others for `defer_max_ms` at most. Fills swaps and swap_ms.
void OrderBatches(const RowSet& set, const CostModel& model,
                  const std::vector<double>& due, double defer_max_ms,
                  Plan* plan);

// The plan compared with running without it, run by run.
struct Comparison {
  int64_t earlier = 0;
  int64_t later = 0;
  int64_t same = 0;  // within a millisecond
  double worst_later_ms = 0;
  double mean_before_ms = 0;
  double mean_after_ms = 0;
  int64_t deadlines_missed_before = 0;
  int64_t deadlines_missed_after = 0;
};
Comparison Compare(const RowSet& set, const Timeline& before,
                   const Timeline& after, absl::Time now);

}  // namespace sheaf::batching
