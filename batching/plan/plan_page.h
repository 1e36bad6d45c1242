// Pages of a stored plan's batches, each with the weights that its runs give
// their controls.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "queue/store.h"

namespace sheaf::batching {

struct WeightedBatch {
  PlanBatch batch;
  // By run: each control that any run of the batch uses, with 0 where this run
  // does not use it.
  std::vector<std::map<std::string, double>> weights;
};

// The batch with the weights of its runs as they are now.
WeightedBatch Weighted(View& view, PlanBatch batch);

struct PlanBatchPage {
  std::vector<WeightedBatch> batches;
  // The batch after which the list goes on; none at its end.
  std::optional<int64_t> next;
};

// The batches after number `after`, at most `limit` of them, and no more after
// `bytes_max`. PLAN_NOT_FOUND.
absl::StatusOr<PlanBatchPage> ListPlanBatches(View& view, PlanId plan,
                                              int64_t after, int limit,
                                              int64_t bytes_max);

}  // namespace sheaf::batching
