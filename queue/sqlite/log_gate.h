// Keeps reads from a log that has grown too long.
//
// A read needs the log as it was when it began, so while reads overlap, or one
// lasts, the log cannot start over. Where it is too long the writer closes this
// gate: reads that are under way come to their end, new ones wait, checks of
// the database end early, and the writer cuts the log back. Other programs that
// read the file know nothing of it: after a while the gate opens all the same.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>

namespace sheaf {

class LogGate {
 public:
  using Clock = std::chrono::steady_clock;

  // As long as the longest read, and a little more.
  static constexpr auto kClosedMax = std::chrono::seconds(11);
  static constexpr auto kOpenLeast = std::chrono::minutes(5);

  // The log has so many pages now, and had better not have more than `most`.
  // Called by one thread.
  void Note(int pages, int most, Clock::time_point now = Clock::now()) {
    if (!closed_) {
      if (pages <= most / 2) gave_up_ = false;
      if (pages > most && now >= opens_for_) Set(true, now);
    } else if (pages <= most / 2) {
      Set(false, now);
    } else if (now - closed_at_ > kClosedMax) {
      gave_up_ = true;
      opens_for_ = now + kOpenLeast;
      Set(false, now);
    }
  }
  // Whether closing the gate was of no use: something outside of the store
  // holds on to the log. Called by the same thread.
  bool gave_up() const { return gave_up_; }

  // Any thread.
  bool is_closed() const { return closed_; }
  // Waits until it is open, but not for ever.
  void Pass() {
    if (!closed_) return;
    std::unique_lock lock(mutex_);
    opened_.wait_for(lock, kClosedMax, [this] { return !closed_; });
  }

 private:
  void Set(bool closed, Clock::time_point now) {
    {
      std::lock_guard lock(mutex_);
      closed_ = closed;
    }
    closed_at_ = now;
    opened_.notify_all();
  }

  std::atomic<bool> closed_ = false;
  std::mutex mutex_;
  std::condition_variable opened_;
  // The noting thread alone uses these.
  bool gave_up_ = false;
  Clock::time_point closed_at_;
  Clock::time_point opens_for_ = Clock::time_point::min();  // at least until
};

}  // namespace sheaf
