// Checks that the sender of a report holds the lease that the report names. It
// must show this before it may change, learn, leave or take anything.
#pragma once

#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "queue/error.h"
#include "queue/store.h"

namespace sheaf {

// A lease, as its worker names it, and the secret that it was given with it.
struct LeaseClaim {
  WorkerId worker;
  BatchId batch;
  int64_t epoch = 0;
  std::string secret;
};
LeaseClaim ClaimOf(const Batch& batch);

// OK where `batch` is the lease, under that epoch, in that worker's hands, and
// the secret is its own; otherwise LEASE_LOST. Names and epochs are public:
// only the secret tells its worker from others.
absl::Status CheckClaim(const std::optional<Batch>& batch,
                        const LeaseClaim& claim);

// Returns the mark that stays with the runs of the lease (Run::hold). When the
// lease is gone, a report of its worker is known by it.
int64_t MarkOf(const LeaseClaim& claim);

// Returns the params that the run asks for. LEASE_LOST where CheckClaim says
// so, or the worker is not to make this run under the lease.
absl::StatusOr<RunParams> ParamsHeld(View& view, const LeaseClaim& claim,
                                     RunId run);

}  // namespace sheaf
