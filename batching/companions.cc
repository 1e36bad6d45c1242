#include "batching/companions.h"

#include <algorithm>
#include <limits>
#include <utility>

namespace sheaf::batching {
namespace {

const CostClass& ClassOf(const RowSet& set, uint32_t row) {
  return set.shapes.cost(set.shapes.shape(set.rows[row].shape).cost);
}

// How many UNet rows use each control now, and what one more row would add to
// a step.
class Load {
 public:
  Load(const RowSet& set, const CostModel& model)
      : set_(set), model_(model), rows_(set.shapes.controls()) {}

  void Add(uint32_t row, int step) {
    const CostClass& cost = ClassOf(set_, row);
    for (const ControlSpan& span : cost.controls) {
      // A control that is done costs nothing any more.
      if (step < span.last) rows_[span.control] += cost.width;
    }
  }

  // Of a whole run, in milliseconds.
  double Added(uint32_t row) const {
    const CostClass& cost = ClassOf(set_, row);
    double added = 0;
    for (const ControlSpan& span : cost.controls) {
      const int n = rows_[span.control];
      const double before = n == 0 ? 0 : model_.Control(span.control, n);
      added += (model_.Control(span.control, n + cost.width) - before) *
               (span.last - span.first);
    }
    return added;
  }

 private:
  const RowSet& set_;
  const CostModel& model_;
  std::vector<int> rows_;
};

struct Candidate {
  uint32_t row = 0;
  uint32_t cost = 0;  // class
  double share = 0;   // the least it could cost anywhere
};

// Of those who could join a batch that takes `ms`, the one who adds least
// beyond the share that it must cost somewhere anyway; the older of equals.
size_t LeastWaste(const CostModel& model,
                  const std::vector<Candidate>& candidates, double ms,
                  std::vector<uint32_t>* classes) {
  size_t best = 0;
  double least = std::numeric_limits<double>::infinity();
  double waste = 0;
  for (size_t i = 0; i < candidates.size(); ++i) {
    // Neighbours of one class cost the same.
    if (i == 0 || candidates[i].cost != candidates[i - 1].cost) {
      classes->push_back(candidates[i].cost);
      waste = model.Batch(*classes) - ms - candidates[i].share;
      classes->pop_back();
    }
    if (waste >= least - 1e-9) continue;
    least = waste;
    best = i;
  }
  return best;
}

}  // namespace

std::vector<uint32_t> FormBatch(const RowSet& set, const CostModel& model,
                                absl::Span<const uint32_t> waiting, int size) {
  std::vector<uint32_t> batch;
  if (waiting.empty()) return batch;
  std::vector<uint32_t> classes;
  std::vector<Candidate> left;
  for (const uint32_t row : waiting) {
    const uint32_t cost = set.shapes.shape(set.rows[row].shape).cost;
    left.push_back({row, cost, model.ShareAtLeast(cost, size)});
  }
  size_t best = 0;  // the oldest
  double ms = 0;
  while (true) {
    classes.push_back(left[best].cost);
    batch.push_back(left[best].row);
    left.erase(left.begin() + best);
    ms = model.Batch(classes);
    if (static_cast<int>(batch.size()) >= size || left.empty()) return batch;
    best = LeastWaste(model, left, ms, &classes);
  }
}

std::vector<uint32_t> ChooseJoining(const RowSet& set, const CostModel& model,
                                    absl::Span<const RowUnderWay> under_way,
                                    absl::Span<const uint32_t> waiting,
                                    int room) {
  Load load(set, model);
  for (const RowUnderWay& row : under_way) load.Add(row.row, row.step);
  std::vector<uint32_t> left(waiting.begin(), waiting.end());
  std::vector<uint32_t> joining;
  while (static_cast<int>(joining.size()) < room && !left.empty()) {
    size_t best = 0;
    std::pair<double, int> least = {std::numeric_limits<double>::infinity(), 0};
    for (size_t i = 0; i < left.size(); ++i) {
      const std::pair<double, int> rank = {load.Added(left[i]),
                                           -ClassOf(set, left[i]).steps};
      if (rank >= least) continue;
      least = rank;
      best = i;
    }
    load.Add(left[best], 0);
    joining.push_back(left[best]);
    left.erase(left.begin() + best);
  }
  return joining;
}

}  // namespace sheaf::batching
