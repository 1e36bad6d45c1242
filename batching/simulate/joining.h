// Rows that join others between two steps: which join next, and how long all of
// them take. Pure.
#pragma once

#include <cstdint>
#include <vector>

#include "absl/types/span.h"
#include "batching/rows/cost.h"
#include "batching/rows/rows.h"

namespace sheaf::batching {

// Waiting runs that are looked at for one joining.
inline constexpr size_t kJoinCandidatesMax = 256;

enum class JoinRule {
  // The row whose controls waste least: they add the least time to a step, not
  // counting the time that they must cost anywhere. Among equals the longest.
  // Best while many wait, since it keeps runs of equal controls together.
  kControls = 1,
  // The longest row; among equals, the one whose controls waste least. Best
  // when few are left: long runs that start late run alone at the end.
  kLongest = 2,
};

// A row under way and the step it has reached.
struct RowUnderWay {
  uint32_t row = 0;
  int step = 0;
};
// Up to `room` of `waiting` (the oldest first) to join rows under way.
std::vector<uint32_t> ChooseJoining(const RowSet& set, const CostModel& model,
                                    absl::Span<const RowUnderWay> under_way,
                                    absl::Span<const uint32_t> waiting,
                                    int room, JoinRule rule);

// GPU milliseconds until all of `waiting` are done, `size` rows at a time, if
// no more arrive.
double DrainTime(const RowSet& set, const CostModel& model,
                 absl::Span<const uint32_t> waiting, int size, JoinRule rule);

}  // namespace sheaf::batching
