#include "batching/continuous/placement.h"

#include <algorithm>
#include <utility>

namespace sheaf::batching {
namespace {

double FinishOf(const WorkerView& worker) {
  return worker.free_ms + (worker.loaded ? 0 : worker.swap_ms) + worker.ms;
}

template <class RankOf>
size_t Least(absl::Span<const WorkerView> workers, RankOf rank_of) {
  size_t best = 0;
  for (size_t i = 1; i < workers.size(); ++i) {
    const auto rank = std::pair(rank_of(workers[i]), workers[i].worker);
    if (rank < std::pair(rank_of(workers[best]), workers[best].worker)) {
      best = i;
    }
  }
  return best;
}

std::vector<int> EvenSizes(int rows, int parts) {
  std::vector<int> sizes;
  for (int i = 0; i < parts; ++i) {
    sizes.push_back(rows / parts + (i < rows % parts ? 1 : 0));
  }
  return sizes;
}

}  // namespace

std::string_view NameOf(PlacementRule rule) {
  switch (rule) {
    case PlacementRule::kEarliestFinish:
      return "earliest-finish";
    case PlacementRule::kRoundRobin:
      return "round-robin";
    case PlacementRule::kQueueDepth:
      return "queue-depth";
  }
  return "";
}

std::optional<PlacementRule> ParsePlacementRule(std::string_view name) {
  for (const PlacementRule rule :
       {PlacementRule::kEarliestFinish, PlacementRule::kRoundRobin,
        PlacementRule::kQueueDepth}) {
    if (NameOf(rule) == name) return rule;
  }
  return std::nullopt;
}

std::optional<size_t> PlaceBatch(absl::Span<const WorkerView> workers,
                                 PlacementRule rule, int64_t last) {
  if (workers.empty()) return std::nullopt;
  switch (rule) {
    case PlacementRule::kEarliestFinish:
      return Least(workers, &FinishOf);
    case PlacementRule::kQueueDepth:
      return Least(workers, [](const WorkerView& w) { return w.runs; });
    case PlacementRule::kRoundRobin:
      return Least(workers, [&](const WorkerView& w) {
        return w.worker <= last;  // the next id, or the first one again
      });
  }
  return std::nullopt;
}

std::vector<int> SplitOver(int rows, int devices,
                           const std::function<double(int)>& ms_of,
                           double extra) {
  const double whole = ms_of(rows);
  std::vector<int> best = {rows};
  double best_end = whole;
  for (int parts = 2; parts <= std::min(rows, devices); ++parts) {
    const std::vector<int> sizes = EvenSizes(rows, parts);
    double sum = 0;
    for (const int size : sizes) sum += ms_of(size);
    if (sum > whole * (1 + extra)) continue;
    const double end = ms_of(sizes[0]);
    if (end >= best_end) continue;
    best = sizes;
    best_end = end;
  }
  return best;
}

}  // namespace sheaf::batching
