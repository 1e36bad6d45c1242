// Whose turn it is: weighted deficit round robin between owners, in predicted
// GPU milliseconds, with ageing. The state is a plain value; functions are
// pure.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "absl/time/time.h"
#include "absl/types/span.h"

namespace sheaf::batching {

struct FairState {
  // What each waiting owner has saved up; it lapses when nothing of theirs
  // waits. Below zero: they were let ahead.
  std::map<std::string, double> deficit_ms;
  std::string last;  // who was served last; the round goes on after them
  bool operator==(const FairState&) const = default;
};

struct FairOptions {
  double quantum_ms = 1'000;              // that weight 1 gains in a round
  std::map<std::string, double> weights;  // absent reads as 1
  // Who has waited this long goes first, whatever they used.
  absl::Duration age_max = absl::Minutes(10);
};

// What an owner would run next.
struct OwnerHead {
  std::string owner;
  double ms = 0;      // predicted
  absl::Time oldest;  // since when it waits
};

struct Turn {
  std::optional<size_t> head;  // nobody waits: none
  FairState state;             // with that head paid for
};
Turn NextTurn(FairState state, absl::Span<const OwnerHead> heads,
              const FairOptions& options, absl::Time now);

}  // namespace sheaf::batching
