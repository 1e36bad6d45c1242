#include "batching/simulate/waiting_rows.h"

#include <algorithm>
#include <limits>
#include <numeric>

namespace sheaf::batching {

WaitingRows::WaitingRows(const RowSet* set, bool queued)
    : set_(*set),
      queued_(queued),
      order_(set->rows.size()),
      place_(set->rows.size()) {
  std::iota(order_.begin(), order_.end(), 0);
  if (!queued) {
    std::stable_sort(order_.begin(), order_.end(), [&](uint32_t a, uint32_t b) {
      return set_.rows[a].time < set_.rows[b].time;
    });
  }
  for (size_t i = 0; i < order_.size(); ++i) {
    place_[order_[i]] = static_cast<uint32_t>(i);
  }
}

double WaitingRows::ArrivalOf(uint32_t row) const {
  return queued_ ? 0 : static_cast<double>(set_.rows[row].time);
}

int64_t WaitingRows::ArriveBy(double now_ms) {
  const size_t before = next_;
  for (; next_ < order_.size(); ++next_) {
    const uint32_t row = order_[next_];
    if (ArrivalOf(row) > now_ms) break;
    by_key_[KeyOf(row)].insert(static_cast<uint32_t>(next_));
    ++arrived_[KeyOf(row)];
    ++count_;
  }
  return static_cast<int64_t>(next_ - before);
}

double WaitingRows::NextArrival() const {
  return next_ == order_.size() ? std::numeric_limits<double>::infinity()
                                : ArrivalOf(order_[next_]);
}

void WaitingRows::Take(uint32_t row) {
  const auto list = by_key_.find(KeyOf(row));
  list->second.erase(place_[row]);
  if (list->second.empty()) by_key_.erase(list);
  --count_;
}

std::vector<uint32_t> WaitingRows::Oldest(uint32_t key, size_t limit) const {
  std::vector<uint32_t> rows;
  const auto list = by_key_.find(key);
  if (list == by_key_.end()) return rows;
  for (const uint32_t place : list->second) {
    if (rows.size() >= limit) break;
    rows.push_back(order_[place]);
  }
  return rows;
}

std::vector<uint32_t> WaitingRows::All() const {
  std::vector<uint32_t> places;
  places.reserve(count_);
  for (const auto& [key, list] : by_key_) {
    places.insert(places.end(), list.begin(), list.end());
  }
  std::sort(places.begin(), places.end());
  for (uint32_t& place : places) place = order_[place];
  return places;
}

double WaitingRows::ArrivalsPerSecond(uint32_t key, double now_ms) const {
  const auto found = arrived_.find(key);
  if (found == arrived_.end() || now_ms <= 0) return 0;
  return static_cast<double>(found->second) / now_ms * 1000;
}

}  // namespace sheaf::batching
