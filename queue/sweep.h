// Runs made from lists, one at a time: how many there would be, and how many
// bytes they would take, is known before the first is made.
#pragma once

#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "queue/params.h"

namespace sheaf {

// Each axis is a list of partial requests, laid over the job's own runs.
struct Sweep {
  bool zip = false;  // side by side; otherwise every combination
  std::vector<std::vector<RunParams>> axes;
};

// How many runs the sweep makes of each of `bases` runs. SWEEP_MISMATCH for
// an axis without values and for zipped axes of different lengths,
// TOO_MANY_RUNS where there would be more than kRunsPerJobMax in all.
absl::StatusOr<int64_t> CountCombinations(const Sweep& sweep, int64_t bases);

// The values of combination `index` of `count`; the last axis varies fastest.
RunParams Combination(const Sweep& sweep, int64_t index, int64_t count);

// The most bytes that the combinations take together, as they are stored.
int64_t BytesOfCombinations(const Sweep& sweep, int64_t count);

// TOO_MANY_RUNS, for a job of so many.
absl::Status TooManyRuns(int64_t count);

}  // namespace sheaf
