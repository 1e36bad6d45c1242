// Things to do at a time: one thread, one heap. Callbacks run on that thread
// and must not block. Owned by the server, outlives everything that uses it.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <thread>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"

namespace sheaf::server {

class Timer {
 public:
  using Handle = std::pair<absl::Time, int64_t>;

  Timer();
  ~Timer();
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;

  // Calls `action` once, `delay` from now; never after Stop().
  Handle After(absl::Duration delay, std::function<void()> action);
  // True: the action had not begun and never will.
  bool Cancel(const Handle& handle);
  // Waits for an action under way; drops the rest. Idempotent.
  void Stop();

 private:
  void Loop();

  absl::Mutex mutex_;
  std::map<Handle, std::function<void()>> pending_ ABSL_GUARDED_BY(mutex_);
  int64_t next_id_ ABSL_GUARDED_BY(mutex_) = 0;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace sheaf::server
