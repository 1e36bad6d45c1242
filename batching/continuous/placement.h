// Which worker a batch should go to, and whether to split it. Pure functions.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>
#include <vector>

#include "absl/types/span.h"

namespace sheaf::batching {

enum class PlacementRule {
  kEarliestFinish = 1,  // by the cost model, changes of model included
  kRoundRobin = 2,
  kQueueDepth = 3,  // the fewest runs in hand
};
std::string_view NameOf(PlacementRule rule);
std::optional<PlacementRule> ParsePlacementRule(std::string_view name);

// A worker that could take the batch.
struct WorkerView {
  int64_t worker = 0;   // id; the order of round robin
  double free_ms = 0;   // until it is done with what it holds
  int64_t runs = 0;     // that it holds
  bool loaded = false;  // it has the batch's model
  double swap_ms = 0;   // to load it
  double ms = 0;        // for the batch, on its device
};

// The index of the worker to give it to; none without workers. `last` is the
// worker that round robin served last. Equals go to the smaller id.
std::optional<size_t> PlaceBatch(absl::Span<const WorkerView> workers,
                                 PlacementRule rule, int64_t last);

// How to split n rows over idle devices of one kind: sizes that end earliest,
// as long as all together take at most `extra` (0.05) more GPU time than one
// batch would. `ms_of` is T(n).
std::vector<int> SplitOver(int rows, int devices,
                           const std::function<double(int)>& ms_of,
                           double extra);

}  // namespace sheaf::batching
