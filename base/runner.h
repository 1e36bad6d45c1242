// A thread that runs the tasks it is given, in order. The destructor runs the
// tasks that are left, then ends the thread.
#pragma once

#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <utility>

#include "absl/functional/any_invocable.h"

namespace sheaf {

class Runner {
 public:
  using Task = absl::AnyInvocable<void()>;

  Runner() : thread_([this] { Loop(); }) {}
  ~Runner() { Stop(); }

  // Any thread. Runs `task` on the runner's thread, also while Stop waits for
  // it; after Stop, on the calling thread at once.
  void Run(Task task) {
    {
      std::lock_guard lock(mutex_);
      if (!ended_) {
        tasks_.push_back(std::move(task));
        changed_.notify_one();
        return;
      }
    }
    task();
  }
  // Runs the tasks that are left, and those that they add. Not from a task.
  void Stop() {
    {
      std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    changed_.notify_one();
    if (thread_.joinable()) thread_.join();
  }

 private:
  void Loop() {
    std::unique_lock lock(mutex_);
    while (true) {
      changed_.wait(lock, [this] { return stopping_ || !tasks_.empty(); });
      if (tasks_.empty()) break;
      Task task = std::move(tasks_.front());
      tasks_.pop_front();
      lock.unlock();
      task();
      task = nullptr;  // frees what it holds without the lock
      lock.lock();
    }
    ended_ = true;
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Task> tasks_;  // guarded by mutex_
  bool stopping_ = false;   // guarded by mutex_
  bool ended_ = false;      // guarded by mutex_
  std::thread thread_;      // last: it uses the line
};

}  // namespace sheaf
