// In which order callers are served, whose calls take different times.
//
// Each has a tag: how far it has come with the time that it used. The one with
// the lowest tag is next, so that one who asks seldom hardly waits, however
// many calls of others stand in line. Time passes for all by the share that
// each of those in line has of it, and whoever comes into line begins there at
// the earliest: nobody saves up turns by asking nothing, and a stream of new
// ones does not keep the old ones waiting. One thread at a time.
#pragma once

#include <algorithm>
#include <cstdint>
#include <set>
#include <utility>

namespace sheaf {

// Somebody who takes turns; a part of what is known of him.
struct TurnTaker {
  int64_t tag = 0;      // nanoseconds
  uint64_t number = 0;  // who came first, where tags are equal
};

class TurnOrder {
 public:
  bool empty() const { return takers_.empty(); }
  // The one whose turn it is. Not where nobody waits.
  TurnTaker* First() const { return *takers_.begin(); }
  bool Has(TurnTaker* taker) const { return takers_.count(taker) > 0; }

  // Has something to be served, or nothing any more.
  void Enter(TurnTaker* taker) {
    taker->tag = std::max(taker->tag, now_);
    taker->number = ++last_number_;
    takers_.insert(taker);
  }
  void Leave(TurnTaker* taker) { takers_.erase(taker); }

  // Has used so much time, whether or not he is in line.
  void Charge(TurnTaker* taker, int64_t nanoseconds) {
    const auto at = takers_.find(taker);
    if (at == takers_.end()) {
      now_ += nanoseconds / static_cast<int64_t>(takers_.size() + 1);
      taker->tag += nanoseconds;
      return;
    }
    now_ += nanoseconds / static_cast<int64_t>(takers_.size());
    auto place = takers_.extract(at);
    taker->tag += nanoseconds;
    takers_.insert(std::move(place));
  }
  // Whether it makes no difference to forget him.
  bool IsForgettable(const TurnTaker& taker) const { return taker.tag <= now_; }

 private:
  struct Earlier {
    bool operator()(const TurnTaker* a, const TurnTaker* b) const {
      return a->tag != b->tag ? a->tag < b->tag : a->number < b->number;
    }
  };

  std::set<TurnTaker*, Earlier> takers_;
  int64_t now_ = 0;
  uint64_t last_number_ = 0;
};

}  // namespace sheaf
