#include "queue/leasing/first_head.h"

#include <algorithm>
#include <iterator>
#include <set>
#include <utility>

#include "base/check.h"

namespace sheaf {
namespace {

// The first runs that a policy is shown at once; how many of them come by the
// turns of their owners, how many have the loaded model, how many are old.
constexpr size_t kByTurn = 8;
constexpr size_t kLoaded = 4;
constexpr size_t kByAge = 2;
// So many more where it leaves all of those waiting.
constexpr size_t kMore = 64;
// The most first runs of a priority that a policy chooses among. The line alone
// decides about further ones, so that a lease takes no longer if somebody makes
// up many lanes.
constexpr size_t kHeadsMax = 1024;

// Merges ordered sets, one of each group. Leaves out what stands in closed
// queues, however much that is.
template <class T>
class Merged {
 public:
  Merged(Doors& doors, const std::vector<HeadIndex::Group*>& groups,
         Priority priority, std::set<T> HeadIndex::Level::*set)
      : doors_(doors) {
    for (const HeadIndex::Group* group : groups) {
      const std::set<T>& all = group->at(priority).*set;
      if (all.empty()) continue;
      cursors_.push_back({all.begin(), all.end(), &group->lane.queue});
    }
    std::make_heap(cursors_.begin(), cursors_.end(), Later);
  }

  // The next element; null at the end.
  const T* Next() {
    while (!cursors_.empty()) {
      std::pop_heap(cursors_.begin(), cursors_.end(), Later);
      Cursor& cursor = cursors_.back();
      if (!doors_.IsOpen(*cursor.queue)) {
        cursors_.pop_back();
        continue;
      }
      const T* next = &*cursor.at;
      if (++cursor.at == cursor.end) {
        cursors_.pop_back();
      } else {
        std::push_heap(cursors_.begin(), cursors_.end(), Later);
      }
      return next;
    }
    return nullptr;
  }

 private:
  struct Cursor {
    typename std::set<T>::const_iterator at, end;
    const std::string* queue;
  };
  static bool Later(const Cursor& a, const Cursor& b) { return *b.at < *a.at; }

  Doors& doors_;
  std::vector<Cursor> cursors_;
};
using Standings = Merged<HeadIndex::Standing>;

LaneHead HeadAt(Ask& ask, const HeadIndex::Place& place, Priority priority) {
  std::optional<Run> run = ask.tx.Head(place.lane, priority);
  SHEAF_CHECK(run && run->id == place.run);
  return {ask.heads.LaneAt(place), *std::move(run)};
}

// The first due runs of one priority, a few at a time: mostly the turn is that
// of one of the first few.
class Candidates {
 public:
  Candidates(Ask& ask, Priority priority)
      : ask_(ask),
        priority_(priority),
        by_age_(ask.doors, ask.groups, priority, &HeadIndex::Level::due) {}

  // The next ones by their places in line; empty where there are no more.
  std::vector<LaneHead> Next() {
    std::vector<HeadIndex::Place> places;
    if (seen_.empty()) {
      TakeTurns(ask_.groups, kByTurn, &places);
      TakeLoaded(&places);
      TakeOldest(&places);
    } else if (seen_.size() < kHeadsMax) {
      TakeMore(&places);
    }
    std::sort(places.begin(), places.end());
    std::vector<LaneHead> heads;
    for (const HeadIndex::Place& place : places) {
      heads.push_back(HeadAt(ask_, place, priority_));
    }
    return heads;
  }

 private:
  bool Take(const HeadIndex::Place& place,
            std::vector<HeadIndex::Place>* places) {
    if (!ask_.MayBegin(place) || !seen_.insert(place.run).second) return false;
    places->push_back(place);
    return true;
  }

  // The first head of each of `count` owners.
  void TakeTurns(const std::vector<HeadIndex::Group*>& groups, size_t count,
                 std::vector<HeadIndex::Place>* places) {
    Standings standings(ask_.doors, groups, priority_,
                        &HeadIndex::Level::standings);
    for (size_t taken = 0; taken < count;) {
      const HeadIndex::Standing* next = standings.Next();
      if (next == nullptr) return;
      for (const HeadIndex::Place& place : next->owner->heads) {
        if (!Take(place, places)) continue;
        ++taken;
        break;
      }
    }
  }

  void TakeLoaded(std::vector<HeadIndex::Place>* places) {
    const std::vector<HeadIndex::Group*>& loaded = ask_.loaded_groups;
    // Where there are no others, these have been taken by turn.
    if (loaded.empty() || loaded == ask_.groups) return;
    TakeTurns(loaded, kLoaded, places);
  }

  // Any others, by age: an owner whose first head is left waiting may have one
  // that nobody else could begin with.
  void TakeMore(std::vector<HeadIndex::Place>* places) {
    while (places->size() < kMore) {
      const HeadIndex::Place* place = by_age_.Next();
      if (place == nullptr) return;
      Take(*place, places);
    }
  }

  // The oldest ones, and some that stand where an earlier look ended: the clock
  // of an owner may hide them behind many others for too long.
  void TakeOldest(std::vector<HeadIndex::Place>* places) {
    if (ask_.groups.empty()) return;
    std::vector<HeadIndex::Place> oldest;
    for (const HeadIndex::Group* group : ask_.groups) {
      const auto& due = group->at(priority_).due;
      if (due.empty() || !ask_.doors.IsOpen(group->lane.queue)) continue;
      oldest.push_back(*due.begin());
    }
    const size_t count = std::min(kByAge, oldest.size());
    std::partial_sort(oldest.begin(), oldest.begin() + count, oldest.end());
    for (size_t i = 0; i < count; ++i) Take(oldest[i], places);
    const size_t next = ask_.heads.Rotate() % ask_.groups.size();
    if (!ask_.doors.IsOpen(ask_.groups[next]->lane.queue)) return;
    HeadIndex::Level& level = ask_.groups[next]->at(priority_);
    auto at = level.due.upper_bound(level.hand);
    for (size_t i = 0; i < kByAge && at != level.due.end(); ++i, ++at) {
      level.hand = *at;
      Take(*at, places);
    }
    if (at == level.due.end()) level.hand = {};
  }

  Ask& ask_;
  const Priority priority_;
  Merged<HeadIndex::Place> by_age_;
  std::set<RunId> seen_;
};

// The first one of a priority with which the worker may begin.
std::optional<HeadIndex::Place> FirstByTurn(Ask& ask, Priority priority) {
  Standings standings(ask.doors, ask.groups, priority,
                      &HeadIndex::Level::standings);
  while (const HeadIndex::Standing* next = standings.Next()) {
    for (const HeadIndex::Place& place : next->owner->heads) {
      if (ask.MayBegin(place)) return place;
    }
  }
  return std::nullopt;
}

}  // namespace

FirstHead FindFirstHead(Ask& ask) {
  FirstHead first;
  for (int level = static_cast<int>(Priority::kUrgent);
       level >= static_cast<int>(Priority::kLow); --level) {
    const auto priority = static_cast<Priority>(level);
    if (ask.policy == nullptr) {
      const std::optional<HeadIndex::Place> place = FirstByTurn(ask, priority);
      if (!place) continue;
      first.head = HeadAt(ask, *place, priority);
      return first;
    }
    Candidates candidates(ask, priority);
    while (true) {
      std::vector<LaneHead> heads = candidates.Next();
      if (heads.empty()) break;
      LeasePolicy::Turn turn = ask.policy->Next(ask.who, heads, ask.tx.now());
      first.notes.rank = std::max(first.notes.rank, turn.notes.rank);
      std::move(turn.notes.passed.begin(), turn.notes.passed.end(),
                std::back_inserter(first.notes.passed));
      if (turn.head) {
        first.head = std::move(heads[*turn.head]);
        return first;
      }
      first.wait_until = std::min(first.wait_until, turn.wait_until);
      if (!first.better) first.better = turn.better;
    }
  }
  return first;
}

std::optional<HeadIndex::Place> AnyHead(Ask& ask) {
  for (int level = static_cast<int>(Priority::kUrgent);
       level >= static_cast<int>(Priority::kLow); --level) {
    const auto place = FirstByTurn(ask, static_cast<Priority>(level));
    if (place) return place;
  }
  return std::nullopt;
}

absl::Time NextDue(Ask& ask) {
  absl::Time next = absl::InfiniteFuture();
  for (const HeadIndex::Group* group : ask.groups) {
    for (const HeadIndex::Level& level : group->levels) {
      if (level.later.empty()) continue;
      if (level.later.begin()->run_time >= next) continue;
      if (ask.doors.IsOpen(group->lane.queue)) {
        next = level.later.begin()->run_time;
      }
    }
  }
  return next;
}

}  // namespace sheaf
