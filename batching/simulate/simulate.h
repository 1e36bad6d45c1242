// Simulates a policy on a trace: the planner's and the waiting rules' own code
// runs against a device on a virtual clock. Nothing here is measured; results
// carry the profile's name. Pure.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "batching/continuous/choose.h"
#include "batching/pricing/profile.h"
#include "batching/simulate/trace.h"

namespace sheaf::batching {

enum class Arrivals {
  kQueued = 1,    // everything waits when the clock starts
  kRecorded = 2,  // as the trace says
};

struct SimulateOptions {
  int batch_size = 4;
  Arrivals arrivals = Arrivals::kQueued;
  // For adaptive and economic; batch_max is batch_size.
  WaitPolicy waiting;
};

struct Simulated {
  std::string policy;
  std::string profile;
  int batch_size = 0;
  int64_t runs = 0;
  int64_t batches = 0;  // launches: continuous has one for each joining
  double gpu_ms = 0;    // without changes of model
  double gain_over_singles = 0;
  double gain_over_natural = 0;  // over what would run without planning
  int64_t swaps = 0;
  double swap_ms = 0;
  double fill = 0;  // rows in a step, of batch_size, on average
  // From arrival to the finished picture, changes of model included.
  double mean_ms = 0;
  double p95_ms = 0;
  double p99_ms = 0;
  double end_ms = 0;  // when the last picture was finished
};

// The names Simulate knows: those of PolicySpecs, then adaptive, economic and
// continuous.
std::vector<std::string> SimulatedPolicies();

// INVALID_ARGUMENT for another name or a batch size outside 1..1024.
absl::StatusOr<Simulated> Simulate(const Trace& trace, const Profile& profile,
                                   const std::string& policy,
                                   const SimulateOptions& options);

}  // namespace sheaf::batching
