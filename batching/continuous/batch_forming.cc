#include "batching/continuous/batch_forming.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "batching/plan/groups.h"
#include "batching/plan/optimal_cuts.h"

namespace sheaf::batching {
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

Head HeadOf(const RowSet& set, const CostModel& model,
            absl::Span<const uint32_t> batch) {
  Head head;
  std::vector<uint32_t> classes;
  for (const uint32_t index : batch) {
    const Row& row = set.rows[index];
    classes.push_back(set.shapes.shape(row.shape).cost);
    if (row.deadline == kNever) continue;
    head.start_by = std::min(head.start_by, absl::FromUnixMillis(row.deadline));
  }
  const Row& first = set.rows[batch[0]];
  head.key = set.shapes.shape(first.shape).key;
  head.rows = static_cast<int>(batch.size());
  head.priority = first.priority;
  head.ms = model.Batch(classes);
  head.one_ms = model.Alike(classes[0], 1);
  // The next run to come is not known; one like the oldest is a fair guess.
  classes.push_back(classes[0]);
  head.more_ms = model.Batch(classes);
  return head;
}

}  // namespace sheaf::batching
