#include "batching/plan/plan_page.h"

#include <set>
#include <utility>

#include "base/status.h"
#include "batching/rows/request_fields.h"
#include "queue/plans.h"

namespace sheaf::batching {
namespace {

// About the bytes that a run's name and a weight take on the wire, beside the
// name of its control.
constexpr size_t kRunBytes = 48;
constexpr size_t kWeightBytes = 16;

int64_t BytesOf(const WeightedBatch& weighted) {
  size_t bytes = weighted.batch.info.size();
  for (const auto& own : weighted.weights) {
    bytes += kRunBytes;
    for (const auto& [type, weight] : own) bytes += type.size() + kWeightBytes;
  }
  return static_cast<int64_t>(bytes);
}

}  // namespace

WeightedBatch Weighted(View& view, PlanBatch batch) {
  WeightedBatch weighted;
  std::set<std::string> types;
  for (const RunId run : batch.runs) {
    const RunParams params =
        Merge(view.SharedParams(run.job()), view.OwnParams(run));
    auto& own = weighted.weights.emplace_back();
    for (const LiveControl& control : LiveControls(params)) {
      own[control.type] = control.weight;
      types.insert(control.type);
    }
  }
  for (auto& own : weighted.weights) {
    for (const std::string& type : types) own.try_emplace(type, 0.0);
  }
  weighted.batch = std::move(batch);
  return weighted;
}

absl::StatusOr<PlanBatchPage> ListPlanBatches(View& view, PlanId plan,
                                              int64_t after, int limit,
                                              int64_t bytes_max) {
  SHEAF_RETURN_IF_ERROR(FindPlanOrError(view, plan).status());
  PlanBatchPage page;
  int64_t bytes = 0;
  // One after another: a batch may have many runs.
  while (static_cast<int>(page.batches.size()) < limit && bytes < bytes_max) {
    std::vector<PlanBatch> next = view.PlanBatches(plan, after, 1);
    if (next.empty()) return page;
    after = next[0].number;
    page.batches.push_back(Weighted(view, std::move(next[0])));
    bytes += BytesOf(page.batches.back());
  }
  page.next = after;
  return page;
}

}  // namespace sheaf::batching
