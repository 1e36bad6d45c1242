// The order in which waiting runs go, and which of them may go together at all:
// every choice of runs agrees on these two. Pure.
#pragma once

#include <cstdint>
#include <string_view>
#include <tuple>

#include "queue/types.h"

namespace sheaf {

// Runs go by priority, then by time, then by id: the smaller key goes first.
// Callers have times of different types.
template <class Time>
auto TurnKey(Priority priority, Time time, int64_t id) {
  return std::tuple(-static_cast<int>(priority), time, id);
}

inline bool GoesBefore(const Run& a, const Run& b) {
  return TurnKey(a.priority, a.run_time, a.id.value) <
         TurnKey(b.priority, b.run_time, b.id.value);
}

// Whether runs of jobs of this kind may be batched with others. Traces leave
// the usual kind empty.
inline bool IsBatchable(std::string_view kind) {
  return kind.empty() || kind == "inference" || kind == "batch_inference";
}

}  // namespace sheaf
