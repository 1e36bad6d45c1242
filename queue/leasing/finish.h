// The outcomes of leased runs: one per run, each written once.
#pragma once

#include <variant>
#include <vector>

#include "absl/status/statusor.h"
#include "queue/error.h"
#include "queue/leasing/lease_claim.h"
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
  LeaseClaim claim;
  std::vector<RunOutcome> outcomes;
};

// Writes all outcomes or none; answers each run's state after. If its own
// worker repeats a report, that changes nothing and gets the same answer, also
// when the lease is gone. LEASE_LOST for a claim that is not good (CheckClaim),
// and for a run that is not, or no longer, to be made under the lease, such as
// one that waits for another's picture. ARTIFACT_NOT_FOUND for an output that
// was not uploaded, INVALID_FIELD for a run named twice.
absl::StatusOr<std::vector<RunState>> Finish(Tx& tx,
                                             const FinishReport& report);

}  // namespace sheaf
