// Checkpoints between workers, store and files: what a lease says of them, and
// which of them are removed.
#pragma once

#include "queue/leasing/lease.h"
#include "server/blobs/artifact_library.h"
#include "server/blobs/checkpoint_store.h"
#include "sheaf/v1/worker_service.pb.h"

namespace sheaf::server {

// Says in `out`, which is `leased` on the wire, from which steps its runs can
// go on, and how often to leave new checkpoints.
void OfferCheckpoints(const CheckpointStore& checkpoints, int checkpoint_steps,
                      const Leased& leased, sheaf::v1::LeasedBatch* out);

// Removes the checkpoints of runs that have ended for good with this commit, on
// a thread of `files`. Does not wait.
void RemoveEnded(CheckpointStore* checkpoints, ArtifactLibrary* files,
                 const Committed& committed);

// Removes the checkpoints of runs that neither wait nor run: those saved at the
// very moment at which their run ended, and those that a crash left. Waits for
// the store.
absl::Status SweepCheckpoints(Store& store, CheckpointStore& checkpoints);

}  // namespace sheaf::server
