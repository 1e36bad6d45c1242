// Threads that may wait for the disk (gRPC's may not), and the line of tasks
// before them. Callers take turns: a caller with hundreds of tasks in the line
// delays another caller's task by only one of them.
//
// It has no bound of its own: each stream has one task under way, and streams
// are counted (server/admission/stream_slots.h). Any thread.
#pragma once

#include <deque>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/functional/any_invocable.h"
#include "absl/synchronization/mutex.h"

namespace sheaf::server {

class DiskLine {
 public:
  using Task = absl::AnyInvocable<void()>;

  explicit DiskLine(int threads);
  // Runs the tasks that are left.
  ~DiskLine();
  DiskLine(const DiskLine&) = delete;
  DiskLine& operator=(const DiskLine&) = delete;

  // Tasks of one caller begin in their order, and may run side by side.
  void Run(const std::string& caller, Task task);

 private:
  void Loop();
  Task Take() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  absl::Mutex mutex_;
  std::map<std::string, std::deque<Task>> tasks_ ABSL_GUARDED_BY(mutex_);
  std::deque<std::string> turns_ ABSL_GUARDED_BY(mutex_);  // callers with tasks
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::vector<std::thread> threads_;
};

}  // namespace sheaf::server
