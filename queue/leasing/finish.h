// What became of leased runs: one outcome per run, each written once.
#pragma once

#include <variant>
#include <vector>

#include "absl/status/statusor.h"
#include "queue/error.h"
#include "queue/leasing/hold.h"
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
  Hold hold;
  std::vector<RunOutcome> outcomes;
};

// Writes all outcomes or none; answers each run's state after. A report said
// twice by its own worker changes nothing the second time, and answers the
// same, also when the lease is gone. LEASE_LOST for a hold that is not good
// (CheckHold) and where a run is not, or no longer, to be made under it: also
// one that waits for another's picture. ARTIFACT_NOT_FOUND for an output not
// uploaded, INVALID_FIELD for a run named twice.
absl::StatusOr<std::vector<RunState>> Finish(Tx& tx,
                                             const FinishReport& report);

}  // namespace sheaf
