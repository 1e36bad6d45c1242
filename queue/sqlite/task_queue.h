// A line of tasks from many threads to one or a few.
//
// It has no bound of its own: who fills it counts what is under way.
#pragma once

#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>
#include <utility>

namespace sheaf {

template <class T>
class TaskQueue {
 public:
  // False, leaving `task` as it is, once the line is closed.
  bool Push(T& task) {
    {
      std::lock_guard lock(mutex_);
      if (closed_) return false;
      tasks_.push_back(std::move(task));
    }
    changed_.notify_one();
    return true;
  }

  // The next task; waits for it. None once the line is closed and empty.
  std::optional<T> Take() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return closed_ || !tasks_.empty(); });
    if (tasks_.empty()) return std::nullopt;
    std::optional<T> task(std::move(tasks_.front()));
    tasks_.pop_front();
    return task;
  }

  // Moves all waiting tasks to the end of `out`, without waiting.
  void TakeAll(std::deque<T>* out) {
    std::lock_guard lock(mutex_);
    if (out->empty()) {
      out->swap(tasks_);
      return;
    }
    for (T& task : tasks_) out->push_back(std::move(task));
    tasks_.clear();
  }

  // Waits until there are tasks, the line is closed, or the time is over.
  // False once it is closed and empty.
  bool Wait(std::chrono::steady_clock::duration timeout) {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, timeout,
                      [&] { return closed_ || !tasks_.empty(); });
    return !closed_ || !tasks_.empty();
  }

  // No more tasks; those that wait are still taken.
  void Close() {
    {
      std::lock_guard lock(mutex_);
      closed_ = true;
    }
    changed_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<T> tasks_;  // guarded by mutex_
  bool closed_ = false;  // guarded by mutex_
};

}  // namespace sheaf
