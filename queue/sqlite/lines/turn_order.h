// The order in which callers are served whose calls take different times.
//
// Each caller has a tag, which grows by the time that it used. The caller with
// the lowest tag is next, so one that asks seldom hardly waits, however many
// calls of others stand in line. A common clock (now_) grows by the used time
// divided by the number of callers in line. A caller that comes into line gets
// a tag of at least that clock. So no caller saves up turns by asking nothing,
// and a stream of new callers does not keep the old ones waiting. One thread at
// a time.
#pragma once

#include <algorithm>
#include <cstdint>
#include <set>
#include <utility>

namespace sheaf {

// The part of a caller, or of a group, that turns need.
struct TurnTaker {
  int64_t tag = 0;      // nanoseconds
  uint64_t number = 0;  // who came first, where tags are equal
};

class TurnOrder {
 public:
  bool empty() const { return takers_.empty(); }
  // The taker whose turn it is. Not to be called where nobody waits.
  TurnTaker* First() const { return *takers_.begin(); }
  bool Has(TurnTaker* taker) const { return takers_.count(taker) > 0; }

  // The taker has something to be served, or nothing any more.
  void Enter(TurnTaker* taker) {
    taker->tag = std::max(taker->tag, now_);
    taker->number = ++last_number_;
    takers_.insert(taker);
  }
  void Leave(TurnTaker* taker) { takers_.erase(taker); }

  // The taker has used so much time, whether or not it is in line.
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
  // Whether it makes no difference to forget the taker.
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
