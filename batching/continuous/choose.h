// Continuous batching: at lease time, run a batch now or wait for more runs to
// join it. Pure: the known facts go in, a choice comes out.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "absl/time/time.h"
#include "absl/types/span.h"
#include "queue/types.h"

namespace sheaf::batching {

enum class WaitRule {
  kOff = 1,       // never wait
  kAdaptive = 2,  // the simple rule: wait less, the more are queued
  kEconomic = 3,  // wait while that is expected to save more than it costs
};
std::string_view NameOf(WaitRule rule);
std::optional<WaitRule> ParseWaitRule(std::string_view name);

// A queue's settings.
struct WaitPolicy {
  WaitRule rule = WaitRule::kOff;
  int batch_max = 4;
  int batch_min = 1;  // adaptive: worth running once it has waited enough
  absl::Duration wait_max = absl::Seconds(2);
  absl::Duration wait_min = absl::ZeroDuration();
  // Adaptive: at this depth half of the wait beyond wait_min is left, at twice
  // as many none.
  int adaptive_threshold = 8;
  // Economic: the part of the saving that one run's share of waiting may use up
  // (alpha), and the worth of a run's waiting in GPU time (omega).
  double saving_share = 1;
  double waiting_weight = 0.1;
  // How long runs of another model may be passed over for the loaded one.
  absl::Duration defer_max = absl::Seconds(30);
};

// The batch that could be formed now for one key.
struct Head {
  uint32_t key = 0;
  int rows = 0;                           // in the batch, at most batch_max
  int rows_max = 1;                       // allowed by knee and memory
  Priority priority = Priority::kNormal;  // of its first run
  absl::Time oldest;                      // arrival of its oldest run
  absl::Time start_by = absl::InfiniteFuture();  // earliest deadline in it
  double ms = 0;                                 // T(n)
  double one_ms = 0;                             // T(1)
  double more_ms = 0;                            // T(n + 1)
  double arrivals_per_second = 0;  // of runs that could join (lambda)
  // Economic: until when the next of them may still be hoped for.
  absl::Time expected_by = absl::InfiniteFuture();
  bool loaded = false;  // its model is the device's present one
};

// Milliseconds of GPU that one more run in this batch saves.
double SavedByOneMore(const Head& head);

struct DeviceView {
  bool idle = true;   // nothing runs and nothing is handed out
  int devices = 1;    // that serve this queue
  int64_t depth = 0;  // runs that wait, over all keys
};

struct Choice {
  // Run this head now; otherwise look again at `wait_until` (or when
  // something arrives). No heads: neither.
  std::optional<size_t> head;
  absl::Time wait_until = absl::InfiniteFuture();
  std::string_view why;  // in words, for the event log
};
Choice ChooseBatch(absl::Span<const Head> heads, const WaitPolicy& policy,
                   const DeviceView& device, absl::Time now);

// How long a batch's oldest run may wait under the rule, from its arrival.
absl::Duration WaitBudget(const Head& head, const WaitPolicy& policy,
                          const DeviceView& device, absl::Time now);

}  // namespace sheaf::batching
