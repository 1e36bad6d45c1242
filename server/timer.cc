#include "server/timer.h"

namespace sheaf::server {

// The heap is in wall time only because that is what absl::Time offers; a
// step of the clock makes one action early or late, which every user bears.
Timer::Timer() : thread_([this] { Loop(); }) {}

Timer::~Timer() { Stop(); }

Timer::Handle Timer::After(absl::Duration delay, std::function<void()> action) {
  absl::MutexLock lock(&mutex_);
  const Handle handle(absl::Now() + delay, next_id_++);
  pending_.emplace(handle, std::move(action));
  return handle;
}

bool Timer::Cancel(const Handle& handle) {
  absl::MutexLock lock(&mutex_);
  return pending_.erase(handle) > 0;
}

void Timer::Stop() {
  {
    absl::MutexLock lock(&mutex_);
    stopping_ = true;
    pending_.clear();
  }
  if (thread_.joinable()) thread_.join();
}

void Timer::Loop() {
  absl::MutexLock lock(&mutex_);
  // How far the loop sleeps, unless something earlier comes in.
  absl::Time until = absl::InfiniteFuture();
  const auto news = [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return stopping_ ||
           (!pending_.empty() && pending_.begin()->first.first < until);
  };
  while (!stopping_) {
    until = pending_.empty() ? absl::InfiniteFuture()
                             : pending_.begin()->first.first;
    if (until > absl::Now()) {
      mutex_.AwaitWithDeadline(absl::Condition(&news), until);
      continue;
    }
    std::function<void()> action = std::move(pending_.begin()->second);
    pending_.erase(pending_.begin());
    mutex_.Unlock();
    action();
    mutex_.Lock();
  }
}

}  // namespace sheaf::server
