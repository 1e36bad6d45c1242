// Makes a finished division into batches cheaper by moving single rows, which
// no fixed order can express. Deterministic. One thread at a time.
#pragma once

#include <cstdint>
#include <vector>

#include "batching/rows/cost.h"

namespace sheaf::batching {

// The cost classes of each batch's rows, with the rows themselves alongside.
struct LooseBatch {
  std::vector<uint32_t> rows;
  std::vector<uint32_t> classes;
  double ms = 0;
};

// Moves and swaps rows between batches while that lowers the sum of costs and
// no more than `costs_max` costs were asked for, nor sixteen times as many
// pairs of batches looked at. All batches are of one key; none grows larger
// than `size_max`, and an emptied one is dropped. Answers the milliseconds
// saved.
double Improve(const CostModel& model, int size_max, int64_t costs_max,
               std::vector<LooseBatch>* batches);

}  // namespace sheaf::batching
