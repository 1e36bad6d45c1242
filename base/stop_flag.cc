#include "base/stop_flag.h"

namespace sheaf {

void StopFlag::Set() {
  {
    std::lock_guard lock(mutex_);
    set_ = true;
  }
  changed_.notify_all();
}

bool StopFlag::IsSet() const {
  std::lock_guard lock(mutex_);
  return set_;
}

bool StopFlag::WaitFor(absl::Duration duration) const {
  std::unique_lock lock(mutex_);
  // wait_for counts on the steady clock.
  return changed_.wait_for(lock, absl::ToChronoNanoseconds(duration),
                           [&] { return set_; });
}

}  // namespace sheaf
