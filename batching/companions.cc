#include "batching/companions.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "batching/cuts.h"
#include "batching/groups.h"

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

}  // namespace

std::vector<uint32_t> FormBatch(const RowSet& set, const CostModel& model,
                                absl::Span<const uint32_t> waiting, int size) {
  std::vector<uint32_t> best;
  double least = std::numeric_limits<double>::infinity();
  if (waiting.empty()) return best;
  // The orders that keep shapes together are cut soonest.
  for (const Order order : {Order::kStepsSignature, Order::kSignatureSteps}) {
    const std::vector<uint32_t> rows = Ordered(set, waiting, order);
    std::vector<uint32_t> classes;
    for (const uint32_t row : rows) {
      classes.push_back(set.shapes.shape(set.rows[row].shape).cost);
    }
    const Cuts cuts = Cut(model, classes, {.size_max = size});
    if (cuts.ms >= least) continue;
    least = cuts.ms;
    auto begin = rows.begin();
    for (const uint16_t count : cuts.sizes) {
      const auto end = begin + count;
      if (std::find(begin, end, waiting[0]) != end) best.assign(begin, end);
      begin = end;
    }
  }
  // The oldest first, as they came.
  std::sort(best.begin(), best.end(), [&](uint32_t a, uint32_t b) {
    return GoesBefore(set.rows[a], set.rows[b]);
  });
  return best;
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
