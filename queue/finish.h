// What became of leased runs: one outcome per run, each written once.
#pragma once

#include <variant>
#include <vector>

#include "absl/status/statusor.h"
#include "queue/error.h"
#include "queue/store.h"

namespace sheaf {

struct Succeeded {
  std::vector<Output> outputs;
};
struct StoppedAsOrdered {};
struct HandedBack {};
using Outcome = std::variant<Succeeded, RunError, StoppedAsOrdered, HandedBack>;

struct RunOutcome {
  RunId run;
  int attempt = 0;
  Outcome outcome;
};

struct FinishReport {
  BatchId batch;
  int64_t epoch = 0;
  std::vector<RunOutcome> outcomes;
};

// Writes all outcomes or none; answers each run's state after. A report said
// twice changes nothing the second time. LEASE_LOST where a run is no longer
// held under this epoch, ARTIFACT_NOT_FOUND for an output not uploaded,
// INVALID_FIELD for a run named twice.
absl::StatusOr<std::vector<RunState>> Finish(Tx& tx,
                                             const FinishReport& report);

}  // namespace sheaf
