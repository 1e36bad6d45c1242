// Waits on the steady clock. absl::Mutex's own timeouts run on the wall clock:
// one that is set back by two hours would lengthen each of them by that.
#pragma once

#include <condition_variable>
#include <mutex>

#include "absl/time/time.h"

namespace sheaf {

// A flag that threads wait for, once and for ever.
class StopFlag {
 public:
  void Set();
  bool IsSet() const;
  // True where it was set within `duration`.
  bool WaitFor(absl::Duration duration) const;

 private:
  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  bool set_ = false;  // guarded by mutex_
};

}  // namespace sheaf
