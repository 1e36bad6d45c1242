// The line in which calls wait for the store's threads.
//
// Three classes: the server's own calls go first, and are never turned away;
// then replies of workers; then the rest. After every few calls of one class, a
// call of a class behind it goes, so that no call waits for ever, even if
// upkeep has many things to do at once. Where replies have taken long, the rest
// gets as much time. Within the last two classes, callers are served in turn
// (caller_turns.h). A full line takes the group with the most calls in it, and
// turns away the newest call of that group's longest caller.
//
// Any thread.
#pragma once

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <limits>
#include <mutex>
#include <optional>
#include <utility>

#include "queue/sqlite/lines/caller_turns.h"
#include "queue/store.h"

namespace sheaf {

template <class T>
class CallLine {
 public:
  struct Limits {
    size_t waiting_max = 65'536;  // of each of the last two classes
    size_t caller_max = 1024;     // waiting, of one caller that has a name
    int group_running_max = 0;    // 0: any number
  };
  enum class Why { kFull, kClosed };
  struct Refused {
    T task;
    Why why;
  };
  struct Turn {
    T task;
    // The task's caller and its turns, for End; null for the server's own.
    CallerTurns<T>* turns = nullptr;
    typename CallerTurns<T>::Caller* caller = nullptr;
    bool lone = false;  // CallerTurns<T>::Turn
  };

  explicit CallLine(Limits limits)
      : limits_(limits),
        replies_(limits.group_running_max),
        rest_(limits.group_running_max) {}

  // Adds a task. Answers the task that had to be turned away for it, if any:
  // this one, or another one.
  std::optional<Refused> Push(const CallOptions& who, T task) {
    std::optional<Refused> refused;
    {
      std::lock_guard lock(mutex_);
      if (closed_) return Refused{std::move(task), Why::kClosed};
      if (who.own) {
        own_.push_back(std::move(task));
      } else if (!Admit(who, &task, &refused)) {
        return refused;
      }
    }
    changed_.notify_one();
    return refused;
  }

  // The next task; waits for it. None once the line is closed and empty.
  std::optional<Turn> Take() {
    std::unique_lock lock(mutex_);
    while (true) {
      if (auto turn = Next()) {
        if (closed_ && IsEmpty()) changed_.notify_all();
        return turn;
      }
      if (closed_ && IsEmpty()) return std::nullopt;
      changed_.wait(lock);
    }
  }
  // The next task, if there is one at once.
  std::optional<Turn> TryTake() {
    std::lock_guard lock(mutex_);
    return Next();
  }
  // Ends a turn and takes the next task under one lock, since callers and the
  // store's thread compete for the lock. None, too, where the last task of the
  // next caller took longer than `cost_max`.
  std::optional<Turn> TryTakeAfter(const Turn& ended,
                                   std::chrono::nanoseconds spent,
                                   std::chrono::nanoseconds cost_max) {
    std::lock_guard lock(mutex_);
    EndLocked(ended, spent);
    return Next(cost_max.count());
  }
  // Ends a turn that was taken; its task has taken `spent`.
  void End(const Turn& turn, std::chrono::nanoseconds spent) {
    bool more = false;
    {
      std::lock_guard lock(mutex_);
      more = EndLocked(turn, spent);
    }
    if (more) changed_.notify_one();
  }

  // Waits until there are tasks, the line is closed, or the time is over.
  // False once it is closed and empty.
  bool Wait(std::chrono::steady_clock::duration timeout) {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, timeout, [&] { return closed_ || !IsEmpty(); });
    return !closed_ || !IsEmpty();
  }

  // Takes no more tasks in; those that wait can still be taken.
  void Close() {
    {
      std::lock_guard lock(mutex_);
      closed_ = true;
    }
    changed_.notify_all();
  }

  size_t size() const {
    std::lock_guard lock(mutex_);
    return own_.size() + replies_.size() + rest_.size();
  }
  // How many callers are remembered.
  size_t callers() const {
    std::lock_guard lock(mutex_);
    return replies_.callers() + rest_.callers();
  }

 private:
  static constexpr int kOwnInARow = 4;
  static constexpr int kRepliesInARow = 16;
  // Nanoseconds that replies may take while others wait, before the others get
  // as many: a caller may make replies take long.
  static constexpr int64_t kOwedMax = 20'000'000;
  static constexpr int64_t kAnyCost = std::numeric_limits<int64_t>::max();

  bool IsEmpty() const {
    return own_.empty() && replies_.size() == 0 && rest_.size() == 0;
  }

  // Whether there is more to take than before.
  bool EndLocked(const Turn& turn, std::chrono::nanoseconds spent) {
    if (turn.caller == nullptr) return false;
    if (turn.turns == &replies_ && rest_.size() > 0) {
      owed_ += spent.count();
    } else {
      owed_ = std::max<int64_t>(owed_ - spent.count(), 0);
    }
    return turn.turns->End(turn.caller, spent.count());
  }

  bool Admit(const CallOptions& who, T* task, std::optional<Refused>* refused) {
    CallerTurns<T>& turns = who.first ? replies_ : rest_;
    auto* caller = turns.Find(who.group, who.caller);
    const bool has_too_many =
        !who.caller.empty() && caller->tasks.size() >= limits_.caller_max;
    if (has_too_many || turns.size() >= limits_.waiting_max) {
      std::optional<T> other;
      if (!has_too_many) other = turns.MakeRoomFor(*caller);
      const bool admitted = other.has_value();
      refused->emplace(
          Refused{admitted ? *std::move(other) : std::move(*task), Why::kFull});
      if (!admitted) return false;
    }
    turns.Push(caller, std::move(*task));
    return true;
  }

  std::optional<Turn> Next(int64_t cost_max = kAnyCost) {
    if (own_in_a_row_ < kOwnInARow) {
      if (auto turn = NextOwn()) return turn;
    }
    if (auto turn = NextOfClients(cost_max)) {
      own_in_a_row_ = 0;
      return turn;
    }
    return NextOwn();
  }
  std::optional<Turn> NextOwn() {
    if (own_.empty()) return std::nullopt;
    ++own_in_a_row_;
    Turn turn{std::move(own_.front())};
    own_.pop_front();
    return turn;
  }
  std::optional<Turn> NextOfClients(int64_t cost_max) {
    const bool rest_first =
        replies_in_a_row_ >= kRepliesInARow || owed_ > kOwedMax;
    for (CallerTurns<T>* turns :
         {rest_first ? &rest_ : &replies_, rest_first ? &replies_ : &rest_}) {
      if (auto taken = turns->Take(cost_max)) {
        replies_in_a_row_ = turns == &replies_ ? replies_in_a_row_ + 1 : 0;
        return Turn{std::move(taken->task), turns, taken->caller, taken->lone};
      }
    }
    return std::nullopt;
  }

  const Limits limits_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  // All guarded by mutex_.
  std::deque<T> own_;
  CallerTurns<T> replies_;
  CallerTurns<T> rest_;
  int own_in_a_row_ = 0;
  int replies_in_a_row_ = 0;
  int64_t owed_ = 0;  // by the replies to the rest; nanoseconds
  bool closed_ = false;
};

}  // namespace sheaf
