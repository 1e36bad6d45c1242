#include "base/timer.h"

#include <algorithm>

namespace sheaf {
namespace {

using Clock = std::chrono::steady_clock;

// Far enough for anything, and near enough for the clock's arithmetic.
constexpr absl::Duration kLongestDelay = absl::Hours(24 * 365 * 10);

}  // namespace

Timer::Timer() : thread_([this] { Loop(); }) {}

Timer::~Timer() { Stop(); }

Timer::Handle Timer::After(absl::Duration delay, std::function<void()> action) {
  const auto time =
      Clock::now() + absl::ToChronoNanoseconds(std::clamp(
                         delay, absl::ZeroDuration(), kLongestDelay));
  Handle handle;
  {
    const std::lock_guard lock(mutex_);
    handle = {time, next_id_++};
    pending_.emplace(handle, std::move(action));
    if (pending_.begin()->first != handle) return handle;
  }
  changed_.notify_one();
  return handle;
}

bool Timer::Cancel(const Handle& handle) {
  const std::lock_guard lock(mutex_);
  return pending_.erase(handle) > 0;
}

void Timer::Stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    pending_.clear();
  }
  changed_.notify_one();
  if (thread_.joinable()) thread_.join();
}

void Timer::Loop() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    if (pending_.empty()) {
      changed_.wait(lock);
      continue;
    }
    const Clock::time_point until = pending_.begin()->first.first;
    if (until > Clock::now()) {
      changed_.wait_until(lock, until);
      continue;
    }
    std::function<void()> action = std::move(pending_.begin()->second);
    pending_.erase(pending_.begin());
    lock.unlock();
    action();
    lock.lock();
  }
}

}  // namespace sheaf
