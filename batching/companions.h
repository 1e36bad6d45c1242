// Who should go along: choosing from the runs that wait for one key those
// that make the best batch with its oldest, or that best join rows already
// under way. Pure.
#pragma once

#include <cstdint>
#include <vector>

#include "absl/types/span.h"
#include "batching/cost.h"
#include "batching/rows.h"

namespace sheaf::batching {

// Up to `size` of `waiting` (the oldest first): those with whom the oldest
// would go if all of them were cut into batches now. Takes some 50 us for 64
// of them.
std::vector<uint32_t> FormBatch(const RowSet& set, const CostModel& model,
                                absl::Span<const uint32_t> waiting, int size);

// A row under way and the step it has reached.
struct RowUnderWay {
  uint32_t row = 0;
  int step = 0;
};
// Up to `room` of `waiting` (the oldest first) to join rows under way: each
// time the one whose controls add least to a step, and of those the longest,
// since long runs that start late run alone at the end.
std::vector<uint32_t> ChooseJoining(const RowSet& set, const CostModel& model,
                                    absl::Span<const RowUnderWay> under_way,
                                    absl::Span<const uint32_t> waiting,
                                    int room);

}  // namespace sheaf::batching
