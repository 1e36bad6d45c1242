#include "base/stop_flag.h"

namespace sheaf {

void StopFlag::Set() {
  {
    absl::MutexLock lock(&mutex_);
    set_ = true;
  }
  changed_.NotifyAll();
}

bool StopFlag::IsSet() const {
  absl::MutexLock lock(&mutex_);
  return set_;
}

bool StopFlag::WaitFor(absl::Duration duration) const {
  absl::MutexLock lock(&mutex_);
  const absl::Time until = clock_->Now() + duration;
  while (!set_ && changed_.WaitUntil(&mutex_, until)) {
  }
  return set_;
}

}  // namespace sheaf
