// Chooses, from the runs that wait for one key, those that make the best batch
// with the oldest. Pure.
#pragma once

#include <cstdint>
#include <vector>

#include "absl/types/span.h"
#include "batching/continuous/choose.h"
#include "batching/rows/cost.h"
#include "batching/rows/rows.h"

namespace sheaf::batching {

// Up to `size` of `waiting` (the oldest first): those with whom the oldest
// would go if all of them were cut into batches now. Takes some 50 us for 64
// of them.
std::vector<uint32_t> FormBatch(const RowSet& set, const CostModel& model,
                                absl::Span<const uint32_t> waiting, int size);

// The head for ChooseBatch of a batch that could run now, as far as its rows
// tell: all fields but rows_max, oldest, arrivals_per_second and loaded.
Head HeadOf(const RowSet& set, const CostModel& model,
            absl::Span<const uint32_t> batch);

}  // namespace sheaf::batching
