#include "queue/sweep.h"

#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "queue/error.h"
#include "queue/types.h"

namespace sheaf {
namespace {

absl::Status Mismatch(size_t axis, const std::string& message,
                      std::string_view violation) {
  return WithViolation(Error(Reason::kSweepMismatch, message),
                       absl::StrCat("job.sweep.axes[", axis, "]"), violation);
}

}  // namespace

absl::StatusOr<int64_t> CountCombinations(const Sweep& sweep, int64_t bases) {
  int64_t combinations = 1;
  for (size_t i = 0; i < sweep.axes.size(); ++i) {
    const auto length = static_cast<int64_t>(sweep.axes[i].size());
    if (length == 0) {
      return Mismatch(i, absl::StrCat("axis ", i, " has no values"),
                      "has no values");
    }
    if (!sweep.zip) {
      combinations *= length;
    } else if (i > 0 && length != combinations) {
      return Mismatch(
          i,
          absl::StrCat("axes of a zipped sweep must be equally long; axis 0 "
                       "has ",
                       combinations, " values, axis ", i, " has ", length),
          "has another length");
    } else {
      combinations = length;
    }
    if (combinations * bases > kRunsPerJobMax) {
      return TooManyRuns(combinations * bases);
    }
  }
  return combinations;
}

RunParams Combination(const Sweep& sweep, int64_t index, int64_t count) {
  RunParams values;
  // Read `index` as digits, most significant first.
  int64_t stride = count;
  for (const auto& axis : sweep.axes) {
    const auto length = static_cast<int64_t>(axis.size());
    if (!sweep.zip) stride /= length;
    values = Merge(values, axis[sweep.zip ? index : index / stride % length]);
  }
  return values;
}

int64_t BytesOfCombinations(const Sweep& sweep, int64_t count) {
  int64_t bytes = 0;
  for (const auto& axis : sweep.axes) {
    int64_t all = 0;
    for (const RunParams& value : axis) {
      all += static_cast<int64_t>(Encode(value).size());
    }
    bytes += all * (count / static_cast<int64_t>(axis.size()));
  }
  return bytes;
}

absl::Status TooManyRuns(int64_t count) {
  return WithMetadata(
      Error(Reason::kTooManyRuns,
            absl::StrCat("the job has ", count, " runs; ", kRunsPerJobMax,
                         " is the most that one job may have")),
      "runsMax", absl::StrCat(kRunsPerJobMax));
}

}  // namespace sheaf
