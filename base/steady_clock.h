// A clock that nobody can set, and waits that it limits, for threads that lock
// with absl::Mutex. The mutex's own timeouts run on the wall clock: a wall
// clock set back by two hours would lengthen each of them by that.
#pragma once

#include <condition_variable>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"

namespace sheaf {

// Any thread. A test's own clock stands still until the test turns it.
class SteadyClock {
 public:
  virtual ~SteadyClock() = default;

  // Counts from any moment and never goes back: compare it only with times of
  // the same clock.
  virtual absl::Time Now() = 0;
  // Waits until `changed` is notified, `until` has come, or for no reason.
  // Unlocks `mutex` meanwhile. Called by SteadyCondition.
  virtual void Wait(std::condition_variable_any* changed, absl::Mutex* mutex,
                    absl::Time until) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex) = 0;

  // The machine's clock; lives as long as the process.
  static SteadyClock* Real();
};

// Lets threads wait for a change of what a mutex guards.
class SteadyCondition {
 public:
  // `clock` must outlive the condition.
  explicit SteadyCondition(SteadyClock* clock = SteadyClock::Real())
      : clock_(clock) {}

  void NotifyAll() { changed_.notify_all(); }

  // Returns when notified, when `until` has come, or for no reason: call it in
  // a loop. False if `until` has come.
  bool WaitUntil(absl::Mutex* mutex, absl::Time until)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex) {
    clock_->Wait(&changed_, mutex, until);
    return clock_->Now() < until;
  }
  void Wait(absl::Mutex* mutex) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex) {
    WaitUntil(mutex, absl::InfiniteFuture());
  }

 private:
  SteadyClock* const clock_;
  std::condition_variable_any changed_;
};

}  // namespace sheaf
