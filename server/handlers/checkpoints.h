// Checkpoints between workers, store and files: what a lease says of them, and
// which of them go.
#pragma once

#include "queue/leasing/lease.h"
#include "server/handlers/core.h"
#include "sheaf/v1/worker_service.pb.h"

namespace sheaf::server {

// Says in `out`, which is `leased` on the wire, from which steps its runs can
// go on, and how often to leave new checkpoints.
void OfferCheckpoints(const Core& core, const Leased& leased,
                      sheaf::v1::LeasedBatch* out);

// Removes those of runs that have ended with these events. Does not wait.
void RemoveEnded(const Core& core, const Committed& committed);

// Removes those of runs that neither wait nor run: what was saved at the very
// moment at which its run ended, or what a crash left. Waits for the store.
absl::Status SweepCheckpoints(Store& store, CheckpointStore& checkpoints);

}  // namespace sheaf::server
