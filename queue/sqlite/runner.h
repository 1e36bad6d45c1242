// A thread that runs what it is given, in order. The destructor runs what is
// left, then ends the thread.
#pragma once

#include <thread>

#include "absl/functional/any_invocable.h"
#include "queue/sqlite/task_queue.h"

namespace sheaf {

class Runner {
 public:
  using Task = absl::AnyInvocable<void()>;

  Runner() : thread_([this] { Loop(); }) {}
  ~Runner() { Stop(); }

  // Any thread. After Stop, on the calling thread at once.
  void Run(Task task) {
    if (!tasks_.Push(task)) task();
  }
  // Runs what is left. Not from a task.
  void Stop() {
    tasks_.Close();
    if (thread_.joinable()) thread_.join();
  }

 private:
  void Loop() {
    while (auto task = tasks_.Take()) (*task)();
  }

  TaskQueue<Task> tasks_;
  std::thread thread_;  // last: it uses the line
};

}  // namespace sheaf
