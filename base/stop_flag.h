// A flag that threads wait for, once and for ever.
#pragma once

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "base/steady_clock.h"

namespace sheaf {

// Any thread. `clock` limits the waits, and must outlive the flag.
class StopFlag {
 public:
  explicit StopFlag(SteadyClock* clock = SteadyClock::Real())
      : clock_(clock), changed_(clock) {}

  void Set();
  bool IsSet() const;
  // True where it was set within `duration`.
  bool WaitFor(absl::Duration duration) const;

 private:
  SteadyClock* const clock_;
  mutable absl::Mutex mutex_;
  mutable SteadyCondition changed_;
  bool set_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace sheaf
