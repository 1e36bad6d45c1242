// The clock of a test: stands still until it is moved. Any thread may read it.
#pragma once

#include <atomic>

#include "absl/time/time.h"

namespace sheaf {

class TestClock {
 public:
  absl::Time now() const { return absl::FromUnixMillis(now_.load()); }
  void Advance(absl::Duration by) { now_ += absl::ToInt64Milliseconds(by); }
  void Set(absl::Time time) { now_ = absl::ToUnixMillis(time); }

 private:
  std::atomic<int64_t> now_{1'700'000'000'000};
};

}  // namespace sheaf
