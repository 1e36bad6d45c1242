// Cutting a fixed order of rows into batches at the least cost: the dynamic
// programme F(i) = min over k of BATCH(i..i+k-1) * (1 + W_i) + F(i+k). Exact
// for the order it is given. One thread at a time.
#pragma once

#include <cstdint>
#include <limits>
#include <vector>

#include "absl/types/span.h"
#include "batching/rows/cost.h"

namespace sheaf::batching {

struct CutOptions {
  int size_max = 4;
  // The worth of a millisecond of one run's waiting, in GPU milliseconds. W_i
  // is this times the number of rows that wait while the batch runs.
  double waiting_weight = 0;
  // How much UnlikeWork may be done. If there is more, only sizes that are
  // powers of two, and the largest, are tried for windows of unlike rows.
  int64_t work_max = std::numeric_limits<int64_t>::max();
};

struct Cuts {
  std::vector<uint16_t> sizes;  // of the batches, in order
  double ms = 0;                // sum of their costs
  double weighed = 0;           // F(0)
};

// `classes` are the cost classes of the rows, in the order to cut.
Cuts Cut(const CostModel& model, absl::Span<const uint32_t> classes,
         const CutOptions& options);

// The work of Cut for these rows: the number of rows in all windows of unlike
// rows, whose costs it cannot look up.
int64_t UnlikeWork(absl::Span<const uint32_t> classes, int size_max);

}  // namespace sheaf::batching
