#include "batching/plan/optimal_cuts.h"

#include <algorithm>
#include <limits>

namespace sheaf::batching {
namespace {

bool IsPowerOfTwo(int n) { return (n & (n - 1)) == 0; }

}  // namespace

int64_t UnlikeWork(absl::Span<const uint32_t> classes, int size_max) {
  int64_t work = 0;
  int64_t alike = 0;
  for (size_t i = classes.size(); i-- > 0;) {
    const bool same = i + 1 < classes.size() && classes[i] == classes[i + 1];
    alike = same ? alike + 1 : 1;
    const auto left = static_cast<int64_t>(classes.size() - i);
    const int64_t last = std::min<int64_t>(size_max, left);
    const int64_t first = std::min(alike, last);
    work += (last * (last + 1) - first * (first + 1)) / 2;
  }
  return work;
}

Cuts Cut(const CostModel& model, absl::Span<const uint32_t> classes,
         const CutOptions& options) {
  const size_t n = classes.size();
  const int size_max = std::max(1, options.size_max);
  const bool few = UnlikeWork(classes, size_max) <= options.work_max;
  std::vector<double> cost(n + 1, 0);  // F
  std::vector<uint16_t> size(n);
  // Costs of 1, 2, ... rows of the present class.
  std::vector<double> alike_ms;
  uint32_t present = 0;
  int alike = 0;
  for (size_t i = n; i-- > 0;) {
    if (alike == 0 || classes[i] != present) {
      present = classes[i];
      alike = 0;
      alike_ms.clear();
    }
    ++alike;
    const int last = static_cast<int>(std::min<size_t>(size_max, n - i));
    const double weight = 1 + options.waiting_weight * (n - i);
    double best = std::numeric_limits<double>::infinity();
    for (int k = 1; k <= last; ++k) {
      double ms = 0;
      if (k <= alike) {
        if (static_cast<int>(alike_ms.size()) < k) {
          alike_ms.push_back(model.Alike(present, k));
        }
        ms = alike_ms[k - 1];
      } else if (few || k == last || IsPowerOfTwo(k)) {
        ms = model.Batch(classes.subspan(i, k));
      } else {
        continue;
      }
      const double total = ms * weight + cost[i + k];
      // At equal cost the fuller batch wins: fewer launches, fewer leases.
      if (total > best) continue;
      best = total;
      size[i] = static_cast<uint16_t>(k);
    }
    cost[i] = best;
  }
  Cuts cuts;
  cuts.weighed = cost[0];
  for (size_t i = 0; i < n; i += size[i]) {
    cuts.sizes.push_back(size[i]);
    if (options.waiting_weight != 0) {
      cuts.ms += model.Batch(classes.subspan(i, size[i]));
    }
  }
  if (options.waiting_weight == 0) cuts.ms = cuts.weighed;
  return cuts;
}

}  // namespace sheaf::batching
