// Decides whose turn it is: owners share predicted GPU time by their weights. A
// plain value and pure functions.
//
// Start-time fair queueing: every owner has a clock that advances by the
// predicted time of the owner's batches, divided by the owner's weight. The
// owner whose clock is furthest behind goes next. An owner that is new, or
// comes back, starts at the time of those that wait. So no owner saves up turns
// while it has nothing waiting, and no owner is starved, however much others
// queue.
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
  double floor_ms = 0;  // a clock behind it starts here
  size_t sweep_size =
      64;  // entries at which those that say nothing are dropped
  bool operator==(const FairState&) const = default;
};

struct FairOptions {
  std::map<std::string, double> weights;  // absent reads as 1
  // An owner that has waited this long for a turn goes first, whatever its
  // weight.
  absl::Duration age_max = absl::Minutes(10);
  // How far behind another owner may fall for the sake of a loaded model.
  double slack_ms = 10'000;
};

// The first waiting run of a place in line, oldest first within an owner.
struct FairHead {
  std::string owner;
  absl::Time oldest;   // since when it waits
  bool loaded = true;  // its model is loaded: no change of model
};

double WeightOf(const std::string& owner, const FairOptions& options);
// The owner's clock as turns go by it.
double ClockOf(const FairState& state, const std::string& owner);

// The heads in the order to serve them: owners by their clocks, equal ones by
// age. Heads whose model is loaded go before the others, unless their owner is
// too far ahead. Owners that have waited longer than age_max for a turn go
// first of all, by age.
std::vector<size_t> TurnOrder(const FairState& state,
                              absl::Span<const FairHead> heads,
                              const FairOptions& options, absl::Time now);

// The state with these owners waiting: the floor follows the one furthest
// behind, whose clock is `least_ms`.
FairState WithWaiting(FairState state, double least_ms);

// The state with `ms` of GPU time given to an owner.
FairState Charged(FairState state, const std::string& owner, double ms,
                  const FairOptions& options, absl::Time now);

}  // namespace sheaf::batching
