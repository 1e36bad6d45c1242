#include "batching/plan/timeline.h"

#include <algorithm>
#include <deque>
#include <limits>
#include <map>
#include <numeric>
#include <utility>

namespace sheaf::batching {
namespace {

constexpr uint32_t kNothing = 0xffffffff;

uint32_t LoadedOf(const RowSet& set, const PlannedBatch& batch) {
  return set.shapes.key(batch.key).loaded;
}

// Batches that wait, by the model they need, each list by due time. Models
// are few, so looking at every list's head is cheap.
class Waiting {
 public:
  Waiting(const RowSet& set, const Plan& plan, const std::vector<double>& due)
      : set_(set), plan_(plan), due_(due) {}

  void Add(uint32_t batch) {
    lists_[LoadedOf(set_, plan_.batches[batch])].push_back(batch);
  }

  // The next batch: the earliest due, or one of the loaded model while the
  // earliest has not been passed over for longer than `defer_max`.
  uint32_t Take(uint32_t loaded, double now, double defer_max) {
    auto first = lists_.begin();
    for (auto list = lists_.begin(); list != lists_.end(); ++list) {
      if (DueOf(list->second.front()) < DueOf(first->second.front())) {
        first = list;
      }
    }
    const uint32_t earliest = first->second.front();
    if (earliest != passed_over_) passed_since_ = now;
    passed_over_ = earliest;
    const auto stay = lists_.find(loaded);
    const bool deferred = stay != lists_.end() && defer_max > 0 &&
                          now - passed_since_ < defer_max;
    return Pop(deferred ? stay : first);
  }

  bool empty() const { return lists_.empty(); }

 private:
  using Lists = std::map<uint32_t, std::deque<uint32_t>>;

  std::pair<double, uint32_t> DueOf(uint32_t batch) const {
    return {due_[batch], batch};
  }

  uint32_t Pop(Lists::iterator list) {
    const uint32_t batch = list->second.front();
    list->second.pop_front();
    if (list->second.empty()) lists_.erase(list);
    return batch;
  }

  const RowSet& set_;
  const Plan& plan_;
  const std::vector<double>& due_;
  Lists lists_;
  uint32_t passed_over_ = kNothing;
  double passed_since_ = 0;
};

double SwapTo(const RowSet& set, const CostModel& model,
              const PlannedBatch& batch) {
  return model.profile(set.shapes.key(batch.key).work).swap;
}

}  // namespace

Timeline TimelineOf(const RowSet& set, const CostModel& model,
                    const Plan& plan) {
  Timeline timeline;
  timeline.start_ms.assign(set.rows.size(), 0);
  timeline.end_ms.assign(set.rows.size(), 0);
  uint32_t loaded = kNothing;
  double now = 0;
  for (const PlannedBatch& batch : plan.batches) {
    const uint32_t needed = LoadedOf(set, batch);
    if (loaded != kNothing && needed != loaded) {
      now += SwapTo(set, model, batch);
    }
    loaded = needed;
    const double start = now;
    now += batch.ms;
    for (const uint32_t row : plan.RowsOf(batch)) {
      timeline.start_ms[row] = start;
      timeline.end_ms[row] = now;
    }
  }
  return timeline;
}

Timeline Scaled(Timeline timeline, double factor) {
  for (double& ms : timeline.start_ms) ms *= factor;
  for (double& ms : timeline.end_ms) ms *= factor;
  return timeline;
}

void OrderBatches(const RowSet& set, const CostModel& model,
                  const std::vector<double>& due, double defer_max_ms,
                  Plan* plan) {
  std::vector<uint32_t> sorted(plan->batches.size());
  std::iota(sorted.begin(), sorted.end(), 0);
  const auto& batches = plan->batches;
  std::sort(sorted.begin(), sorted.end(), [&](uint32_t a, uint32_t b) {
    if (batches[a].priority != batches[b].priority) {
      return batches[a].priority > batches[b].priority;
    }
    return std::pair(due[a], a) < std::pair(due[b], b);
  });
  std::vector<PlannedBatch> ordered;
  ordered.reserve(batches.size());
  plan->swaps = 0;
  plan->swap_ms = 0;
  uint32_t loaded = kNothing;
  double now = 0;
  for (size_t i = 0; i < sorted.size();) {
    const Priority priority = batches[sorted[i]].priority;
    Waiting waiting(set, *plan, due);
    for (; i < sorted.size() && batches[sorted[i]].priority == priority; ++i) {
      waiting.Add(sorted[i]);
    }
    while (!waiting.empty()) {
      const uint32_t next = waiting.Take(loaded, now, defer_max_ms);
      ordered.push_back(batches[next]);
      const uint32_t needed = LoadedOf(set, batches[next]);
      if (loaded != kNothing && needed != loaded) {
        ++plan->swaps;
        plan->swap_ms += SwapTo(set, model, batches[next]);
      }
      loaded = needed;
      now += batches[next].ms;
    }
  }
  plan->batches = std::move(ordered);
}

Comparison Compare(const RowSet& set, const Timeline& before,
                   const Timeline& after, absl::Time now) {
  Comparison comparison;
  const int64_t now_ms = absl::ToUnixMillis(now);
  for (size_t row = 0; row < set.rows.size(); ++row) {
    const double change = after.end_ms[row] - before.end_ms[row];
    if (change < -1) {
      ++comparison.earlier;
    } else if (change > 1) {
      ++comparison.later;
    } else {
      ++comparison.same;
    }
    comparison.worst_later_ms = std::max(comparison.worst_later_ms, change);
    comparison.mean_before_ms += before.end_ms[row];
    comparison.mean_after_ms += after.end_ms[row];
    if (set.rows[row].deadline == kNever) continue;
    const auto left = static_cast<double>(set.rows[row].deadline - now_ms);
    comparison.deadlines_missed_before += before.start_ms[row] > left;
    comparison.deadlines_missed_after += after.start_ms[row] > left;
  }
  const auto count = static_cast<double>(std::max<size_t>(1, set.rows.size()));
  comparison.mean_before_ms /= count;
  comparison.mean_after_ms /= count;
  return comparison;
}

}  // namespace sheaf::batching
