// How long to wait before the next try.
#pragma once

#include <algorithm>
#include <random>

#include "absl/time/time.h"

namespace sheaf {

// The wait after `failures` in a row: `first` after one, doubled by each
// further one, and never more than `longest`.
inline absl::Duration WaitAfter(int failures, absl::Duration first,
                                absl::Duration longest) {
  absl::Duration wait = first;
  for (int i = 1; i < failures && wait < longest; ++i) wait *= 2;
  return std::min(wait, longest);
}

// The waits of a client that tries again, each drawn from the upper half of
// WaitAfter, so that many that lost the same server do not return as one. One
// owner, one thread.
class Backoff {
 public:
  Backoff(absl::Duration first, absl::Duration longest)
      : first_(first), longest_(longest) {}

  absl::Duration Next() {
    return WaitAfter(++failures_, first_, longest_) *
           std::uniform_real_distribution<double>(0.5, 1)(random_);
  }

  // After a success.
  void Reset() { failures_ = 0; }

 private:
  const absl::Duration first_;
  const absl::Duration longest_;
  int failures_ = 0;
  std::minstd_rand random_{std::random_device()()};
};

}  // namespace sheaf
