// Decides what becomes of a run whose attempt failed: one table by class of
// error.
#pragma once

#include <optional>

#include "absl/time/time.h"
#include "queue/types.h"

namespace sheaf {

struct RetryRule {
  ErrorClass error_class;
  bool retried;
  int failures_max;         // at most, whatever the job allows
  absl::Duration back_off;  // before the second attempt; doubles
  absl::Duration back_off_max;
};

// A worker death says little about the run that was held, three say enough.
inline constexpr int kCrashesMax = 3;

const RetryRule& RuleFor(ErrorClass error_class);

// When to try `run` again, its failures already counted; nullopt: it failed
// for good. The jitter of up to a quarter comes from the run's id and attempt,
// so that a batch of failures spreads and a replay gives the same times.
std::optional<absl::Time> RetryTime(const Run& run, ErrorClass error_class,
                                    absl::Time now);

}  // namespace sheaf
