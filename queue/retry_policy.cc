#include "queue/retry_policy.h"

#include <algorithm>

#include "base/backoff.h"

namespace sheaf {
namespace {

constexpr RetryRule kRules[] = {
    {ErrorClass::kTransient, true, 100, absl::Seconds(1), absl::Minutes(5)},
    {ErrorClass::kOutOfMemory, true, 3, absl::Seconds(2), absl::Minutes(1)},
    {ErrorClass::kWorkerDied, true, kCrashesMax, absl::Seconds(1),
     absl::Minutes(1)},
    {ErrorClass::kBadInput, false, 1, absl::ZeroDuration(),
     absl::ZeroDuration()},
    {ErrorClass::kEngine, true, 2, absl::Seconds(2), absl::Minutes(1)},
    {ErrorClass::kDeadline, false, 1, absl::ZeroDuration(),
     absl::ZeroDuration()},
    {ErrorClass::kCrashLoop, false, 1, absl::ZeroDuration(),
     absl::ZeroDuration()},
};

// splitmix64: a well-mixed number from (run, attempt).
uint64_t Mix(uint64_t x) {
  x += 0x9E3779B97F4A7C15;
  x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9;
  x = (x ^ x >> 27) * 0x94D049BB133111EB;
  return x ^ x >> 31;
}

}  // namespace

const RetryRule& RuleFor(ErrorClass error_class) {
  return kRules[static_cast<int>(error_class) - 1];
}

std::optional<absl::Time> RetryTime(const Run& run, ErrorClass error_class,
                                    absl::Time now) {
  const RetryRule& rule = RuleFor(error_class);
  if (!rule.retried) return std::nullopt;
  if (run.failures >= std::min(run.attempts_max, rule.failures_max)) {
    return std::nullopt;
  }
  const absl::Duration delay =
      WaitAfter(run.failures, rule.back_off, rule.back_off_max);
  const uint64_t mixed = Mix(static_cast<uint64_t>(run.id.value) * 31 +
                             static_cast<uint64_t>(run.attempt));
  return now + delay + delay * (static_cast<double>(mixed % 1000) / 4000.0);
}

}  // namespace sheaf
