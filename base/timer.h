// Things to do at a time: one thread, one heap, on the steady clock, which
// nobody can set. Callbacks run on that thread and must not block. Owned by the
// server, outlives everything that uses it.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <thread>
#include <utility>

#include "absl/time/time.h"

namespace sheaf {

class Timer {
 public:
  using Handle = std::pair<std::chrono::steady_clock::time_point, int64_t>;

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

  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<Handle, std::function<void()>> pending_;  // guarded by mutex_
  int64_t next_id_ = 0;                              // guarded by mutex_
  bool stopping_ = false;                            // guarded by mutex_
  std::thread thread_;
};

}  // namespace sheaf
