// Filling the batches of one group of runs that can share them. The planner's
// inner part; one thread at a time.
#pragma once

#include <cstdint>
#include <vector>

#include "absl/types/span.h"
#include "batching/plan/improve.h"
#include "batching/plan/planner.h"

namespace sheaf::batching {

// The most rows that a batch of one key may have, and what sets this limit.
struct SizeLimit {
  int rows = 1;
  BatchEnd end = BatchEnd::kSize;
};
SizeLimit LimitOf(const CostModel& model, const BatchKey& key,
                  const PlanOptions& options);

// The effort that a group may spend, by its share of all rows.
struct Effort {
  int64_t work_per_row = 0;
  double exchanges_per_row = 0;
};
Effort EffortFor(size_t rows, const PlanOptions& options);

// Batches of some rows, in order. Kept flat: there may be a million.
struct Filled {
  std::vector<uint32_t> order;
  struct Part {
    uint32_t count = 0;
    BatchEnd end = BatchEnd::kSize;
    double ms = 0;
  };
  std::vector<Part> parts;
  double ms = 0;
  std::vector<double> candidate_ms;  // of each rule, where there were several
};

// `rows` are of one key, in FIFO order.
Filled FillByRule(const RowSet& set, const CostModel& model,
                  absl::Span<const uint32_t> rows, const PolicySpec& spec,
                  SizeLimit limit, const PlanOptions& options, Effort effort);
// The cheapest of the rules, then exchanges.
Filled FillBest(const RowSet& set, const CostModel& model,
                absl::Span<const uint32_t> rows,
                absl::Span<const PolicySpec> candidates, SizeLimit limit,
                const PlanOptions& options, Effort effort);

}  // namespace sheaf::batching
