// Tasks of many callers, each in its own order, and whose turn it is.
//
// Groups take turns, and within a group its callers. One thread at a time:
// queue/sqlite/lines/call_line.h has the lock.
#pragma once

#include <algorithm>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>

#include "queue/sqlite/lines/turn_order.h"

namespace sheaf {

template <class T>
class CallerTurns {
 public:
  struct Group;
  struct Caller : TurnTaker {
    std::string name;
    Group* group = nullptr;
    std::deque<T> tasks;
    int running = 0;
    int64_t last_cost = 0;    // nanoseconds, of the task that ended last
    uint64_t last_taken = 0;  // how many tasks had been taken, with its last
    double recent = 0;        // about how many recent tasks were its own
  };
  struct Group : TurnTaker {
    std::string name;
    std::unordered_map<std::string, std::unique_ptr<Caller>> callers;
    TurnOrder order;
    size_t waiting = 0;
    int running = 0;
  };
  struct Turn {
    T task;
    Caller* caller;  // for End
    // The caller asks seldom and waits for nothing more, while others have much
    // in line.
    bool lone = false;
  };

  // `group_running_max`: no more tasks of one group run at a time; 0: any.
  explicit CallerTurns(int group_running_max = 0)
      : group_running_max_(group_running_max) {}

  size_t size() const { return size_; }
  size_t callers() const {
    size_t count = 0;
    for (const auto& [name, group] : groups_) count += group->callers.size();
    return count;
  }

  // The caller of that name, made if it is new. It is good until the next call.
  Caller* Find(const std::string& group_name, const std::string& name) {
    std::unique_ptr<Group>& group = groups_[group_name];
    if (group == nullptr) {
      group = std::make_unique<Group>();
      group->name = group_name;
    }
    std::unique_ptr<Caller>& caller = group->callers[name];
    if (caller == nullptr) {
      caller = std::make_unique<Caller>();
      caller->name = name;
      caller->group = group.get();
    }
    return caller.get();
  }

  void Push(Caller* caller, T task) {
    Group* group = caller->group;
    caller->tasks.push_back(std::move(task));
    ++size_;
    ++group->waiting;
    if (caller->tasks.size() == 1) group->order.Enter(caller);
    if (group->waiting == 1 && MayRun(*group)) order_.Enter(group);
    if (++pushes_ % kPushesBetweenSweeps == 0) Sweep();
  }

  // The next task, if one may run now and is not of a caller whose last one
  // took longer than `cost_max`; `End` is due for it.
  std::optional<Turn> Take(int64_t cost_max) {
    if (order_.empty()) return std::nullopt;
    auto* group = static_cast<Group*>(order_.First());
    auto* caller = static_cast<Caller*>(group->order.First());
    if (caller->last_cost > cost_max) return std::nullopt;
    Turn turn{std::move(caller->tasks.front()), caller};
    caller->tasks.pop_front();
    turn.lone = AsksSeldom(caller) && caller->tasks.empty() && size_ > kMuch;
    Took(caller);
    ++caller->running;
    ++group->running;
    Charge(caller, kLeast);
    if (!MayRun(*group)) order_.Leave(group);
    return turn;
  }

  // Ends a task that took `nanoseconds`. True: a task of the group may run now
  // that could not before.
  bool End(Caller* caller, int64_t nanoseconds) {
    Group* group = caller->group;
    const bool held_back = !MayRun(*group);
    --caller->running;
    --group->running;
    caller->last_cost = nanoseconds;
    Charge(caller, nanoseconds);
    if (!held_back || group->waiting == 0) return false;
    order_.Enter(group);
    return true;
  }

  // Makes room for one task of `caller`: takes out the newest task of the
  // caller that has the most, where that is clearly more than `caller` has.
  std::optional<T> MakeRoomFor(const Caller& caller) {
    Group* largest = caller.group;
    for (const auto& [name, group] : groups_) {
      if (group->waiting > largest->waiting + 1) largest = group.get();
    }
    Caller* longest = nullptr;
    for (const auto& [name, other] : largest->callers) {
      if (longest == nullptr || other->tasks.size() > longest->tasks.size()) {
        longest = other.get();
      }
    }
    const size_t least =
        largest == caller.group ? caller.tasks.size() + 1 : size_t{0};
    if (longest == nullptr || longest->tasks.size() <= least) {
      return std::nullopt;
    }
    T task = std::move(longest->tasks.back());
    longest->tasks.pop_back();
    Took(longest);
    return task;
  }

 private:
  // A task costs at least this, so that equals take turns.
  static constexpr int64_t kLeast = 1000;
  static constexpr size_t kMuch = 64;
  static constexpr uint64_t kPushesBetweenSweeps = 4096;
  // How many tasks count as recent: kRecent, or more where there are so many
  // callers that each one's share would be below kShareLeast.
  static constexpr double kRecent = 256;
  static constexpr double kShareLeast = 8;
  static constexpr double kSeldom = 0.25;  // of a caller's share

  bool MayRun(const Group& group) const {
    return group_running_max_ == 0 || group.running < group_running_max_;
  }

  // Whether few of the recent tasks were the caller's, counting the one that is
  // taken now.
  bool AsksSeldom(Caller* caller) {
    ++taken_;
    const auto passed = static_cast<double>(taken_ - caller->last_taken);
    caller->last_taken = taken_;
    const auto callers = static_cast<double>(caller->group->callers.size());
    const double share = std::max(kRecent / callers, kShareLeast);
    const double fading = passed / (share * callers);
    caller->recent = caller->recent * std::max(0.0, 1 - fading) + 1;
    return caller->recent < kSeldom * share;
  }

  void Took(Caller* caller) {
    Group* group = caller->group;
    --size_;
    --group->waiting;
    if (caller->tasks.empty()) group->order.Leave(caller);
    if (group->waiting == 0) order_.Leave(group);
  }

  void Charge(Caller* caller, int64_t nanoseconds) {
    caller->group->order.Charge(caller, nanoseconds);
    order_.Charge(caller->group, nanoseconds);
  }

  // Forgets callers that have gone.
  void Sweep() {
    for (auto group = groups_.begin(); group != groups_.end();) {
      Group& g = *group->second;
      for (auto at = g.callers.begin(); at != g.callers.end();) {
        const Caller& c = *at->second;
        const bool gone =
            c.tasks.empty() && c.running == 0 && g.order.IsForgettable(c);
        at = gone ? g.callers.erase(at) : std::next(at);
      }
      const bool gone = g.callers.empty() && order_.IsForgettable(g);
      group = gone ? groups_.erase(group) : std::next(group);
    }
  }

  const int group_running_max_;
  std::unordered_map<std::string, std::unique_ptr<Group>> groups_;
  TurnOrder order_;
  size_t size_ = 0;
  uint64_t pushes_ = 0;
  uint64_t taken_ = 0;
};

}  // namespace sheaf
