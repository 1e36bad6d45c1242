// How long to wait before the next try.
#pragma once

#include <algorithm>
#include <random>

#include "absl/time/time.h"

namespace sheaf::worker {

// For calls about a lease.
inline constexpr absl::Duration kRetryFirst = absl::Milliseconds(100);
inline constexpr absl::Duration kRetryLongest = absl::Seconds(2);

// Waits that double from `first` to `longest`, each drawn from its upper half,
// so that workers which lost the same server do not return as one. One owner,
// one thread.
class Backoff {
 public:
  Backoff(absl::Duration first, absl::Duration longest)
      : first_(first), longest_(longest), next_(first) {}

  absl::Duration Next() {
    const absl::Duration whole = next_;
    next_ = std::min(next_ * 2, longest_);
    return whole * std::uniform_real_distribution<double>(0.5, 1)(random_);
  }

  // After a success.
  void Reset() { next_ = first_; }

 private:
  const absl::Duration first_;
  const absl::Duration longest_;
  absl::Duration next_;
  std::minstd_rand random_{std::random_device()()};
};

}  // namespace sheaf::worker
