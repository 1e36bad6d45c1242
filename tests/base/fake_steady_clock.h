// A steady clock that stands still until the test turns it.
//
// Owned by the test, and outlives what waits on it. Any thread.
#pragma once

#include <algorithm>
#include <condition_variable>
#include <list>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "base/steady_clock.h"

namespace sheaf {

class FakeSteadyClock : public SteadyClock {
 public:
  absl::Time Now() override {
    absl::MutexLock lock(&mutex_);
    return now_;
  }

  void Wait(std::condition_variable_any* changed, absl::Mutex* mutex,
            absl::Time until) override {
    std::list<Waiter>::iterator waiter;
    {
      absl::MutexLock lock(&mutex_);
      if (now_ >= until) return;
      waiter = waiters_.insert(waiters_.end(), {changed, mutex, until});
    }
    Lockable lockable{mutex};
    changed->wait(lockable);
    absl::MutexLock lock(&mutex_);
    waiters_.erase(waiter);
  }

  // Wakes all that wait for a time, so that they look at the clock.
  void Advance(absl::Duration duration) {
    std::vector<Waiter> waiters;
    {
      absl::MutexLock lock(&mutex_);
      now_ += duration;
      for (Waiter& waiter : waiters_) {
        if (waiter.until == absl::InfiniteFuture()) continue;
        waiter.woken = true;
        waiters.push_back(waiter);
      }
    }
    for (const Waiter& waiter : waiters) {
      // Whoever has not begun to wait yet holds the mutex until it has.
      absl::MutexLock lock(waiter.mutex);
      waiter.changed->notify_all();
    }
  }

  // Waits, at most ten seconds, until so many threads wait for a time and have
  // looked at the clock since it was last turned.
  bool WaitForWaiters(int count = 1) {
    absl::MutexLock lock(&mutex_);
    const auto waits = [this, count]() ABSL_NO_THREAD_SAFETY_ANALYSIS {
      return std::count_if(waiters_.begin(), waiters_.end(),
                           [](const Waiter& waiter) {
                             return !waiter.woken &&
                                    waiter.until != absl::InfiniteFuture();
                           }) >= count;
    };
    return mutex_.AwaitWithTimeout(absl::Condition(&waits), absl::Seconds(10));
  }

 private:
  struct Waiter {
    std::condition_variable_any* changed;
    absl::Mutex* mutex;
    absl::Time until;
    bool woken = false;
  };
  // A mutex as the standard library's conditions want it.
  struct Lockable {
    void lock() ABSL_NO_THREAD_SAFETY_ANALYSIS { mutex->Lock(); }
    void unlock() ABSL_NO_THREAD_SAFETY_ANALYSIS { mutex->Unlock(); }

    absl::Mutex* mutex;
  };

  absl::Mutex mutex_;
  absl::Time now_ ABSL_GUARDED_BY(mutex_) = absl::UnixEpoch();
  std::list<Waiter> waiters_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace sheaf
