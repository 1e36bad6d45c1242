// Whose turn it is: owners share predicted GPU time by their weights. A plain
// value and pure functions.
//
// Start-time fair queueing: every owner has a clock that runs on by what their
// batches are predicted to take, divided by their weight, and the one whose
// clock is furthest behind goes next. Who comes new, or comes back, starts at
// the time of those who wait: nobody saves up while nothing of theirs waits,
// and nobody is starved, whatever others queue.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "absl/types/span.h"

namespace sheaf::batching {

struct FairState {
  std::map<std::string, double> clock_ms;         // absent reads as floor_ms
  std::map<std::string, absl::Time> served_time;  // when each last had a turn
  double floor_ms = 0;  // where those start who are behind
  bool operator==(const FairState&) const = default;
};

struct FairOptions {
  std::map<std::string, double> weights;  // absent reads as 1
  // Who has waited for a turn this long goes first, whatever their weight.
  absl::Duration age_max = absl::Minutes(10);
  // How far behind another owner may fall for the sake of a loaded model.
  double slack_ms = 10'000;
};

// What waits first in a place of its own, oldest first within an owner.
struct FairHead {
  std::string owner;
  absl::Time oldest;   // since when it waits
  bool loaded = true;  // its model is; without it this one would be changed
};

// The heads from the best to serve next to the last: owners by their clocks,
// equals by age, but those ahead whose model is loaded and whose owner is not
// too far ahead. Whoever has waited longer than age_max for a turn stands
// first of all.
std::vector<size_t> TurnOrder(const FairState& state,
                              absl::Span<const FairHead> heads,
                              const FairOptions& options, absl::Time now);

// The state with these owners waiting: the floor follows the one furthest
// behind.
FairState WithWaiting(FairState state, absl::Span<const FairHead> heads);

// The state with `ms` of GPU time given to an owner.
FairState Charged(FairState state, const std::string& owner, double ms,
                  const FairOptions& options, absl::Time now);

}  // namespace sheaf::batching
