#include "server/blobs/disk_line.h"

#include <utility>

namespace sheaf::server {

DiskLine::DiskLine(int threads) {
  for (int i = 0; i < threads; ++i) threads_.emplace_back([this] { Loop(); });
}

DiskLine::~DiskLine() {
  {
    const absl::MutexLock lock(&mutex_);
    stopping_ = true;
  }
  for (std::thread& thread : threads_) thread.join();
}

void DiskLine::Run(const std::string& caller, Task task) {
  const absl::MutexLock lock(&mutex_);
  std::deque<Task>& tasks = tasks_[caller];
  if (tasks.empty()) turns_.push_back(caller);
  tasks.push_back(std::move(task));
}

DiskLine::Task DiskLine::Take() {
  const auto found = tasks_.find(turns_.front());
  turns_.pop_front();
  std::deque<Task>& tasks = found->second;
  Task task = std::move(tasks.front());
  tasks.pop_front();
  if (tasks.empty()) {
    tasks_.erase(found);
  } else {
    turns_.push_back(found->first);
  }
  return task;
}

void DiskLine::Loop() {
  const auto news = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return stopping_ || !turns_.empty();
  };
  while (true) {
    Task task;
    {
      const absl::MutexLock lock(&mutex_);
      mutex_.Await(absl::Condition(&news));
      if (turns_.empty()) return;
      task = Take();
    }
    std::move(task)();
  }
}

}  // namespace sheaf::server
