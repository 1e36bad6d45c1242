// The runs of a trace that have arrived and not been taken, as a simulation
// goes on. One thread.
#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "absl/container/btree_set.h"
#include "batching/rows/rows.h"

namespace sheaf::batching {

class WaitingRows {
 public:
  // Places in the order of arrival.
  using Places = absl::btree_set<uint32_t>;

  // `queued`: all arrive at 0. Borrows `set`.
  WaitingRows(const RowSet* set, bool queued);

  double ArrivalOf(uint32_t row) const;
  // Lets in the rows that have arrived by then; answers how many.
  int64_t ArriveBy(double now_ms);
  // When the next one arrives; infinite where none will.
  double NextArrival() const;
  void Take(uint32_t row);

  // The waiting rows, by key. No list is empty.
  const std::map<uint32_t, Places>& by_key() const { return by_key_; }
  uint32_t RowAt(uint32_t place) const { return order_[place]; }
  uint32_t PlaceOf(uint32_t row) const { return place_[row]; }
  // The oldest of a key, `limit` at most.
  std::vector<uint32_t> Oldest(uint32_t key, size_t limit) const;
  // All of them, in order of arrival.
  std::vector<uint32_t> All() const;
  int64_t count() const { return count_; }
  bool done() const { return count_ == 0 && next_ == order_.size(); }
  // Runs of the key that have arrived so far, taken or not, by the second.
  double ArrivalsPerSecond(uint32_t key, double now_ms) const;

 private:
  uint32_t KeyOf(uint32_t row) const {
    return set_.shapes.shape(set_.rows[row].shape).key;
  }

  const RowSet& set_;
  const bool queued_;
  std::vector<uint32_t> order_;  // rows by arrival
  std::vector<uint32_t> place_;  // of each row in it
  size_t next_ = 0;
  int64_t count_ = 0;
  std::map<uint32_t, Places> by_key_;
  std::map<uint32_t, int64_t> arrived_;
};

}  // namespace sheaf::batching
