// Tests whether rows that step together give the same results as rows that step
// alone, for a model on its device.
#pragma once

#include <functional>
#include <vector>

#include "absl/status/statusor.h"
#include "inference/engine/pipeline/row.h"

namespace sheaf::engine {

using StepRows = std::function<absl::Status(const std::vector<Row*>&)>;

// Steps copies of the rows twice together and twice each by itself, through
// `step`, and compares their samples. `tolerance` is a share of the largest
// value; 0: to the bit. The errors of `step`. Rows must have two steps to make.
absl::StatusOr<bool> RowsAgree(const std::vector<Row>& rows, double tolerance,
                               const StepRows& step);

}  // namespace sheaf::engine
