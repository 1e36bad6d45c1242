// Checkpoints between store and files: from which steps leased runs can go on,
// and which checkpoints are removed.
#pragma once

#include <vector>

#include "absl/status/status.h"
#include "queue/leasing/lease.h"
#include "queue/store.h"
#include "server/blobs/artifact_library.h"
#include "server/blobs/checkpoint_store.h"

namespace sheaf::server {

// The steps from which the runs of `leased` can go on, in the order of the
// runs; 0: from the beginning.
std::vector<int> SavedSteps(const CheckpointStore& checkpoints,
                            const Leased& leased);

// Removes the checkpoints of runs that have ended for good with this commit, on
// a thread of `files`. Does not wait.
void RemoveEnded(CheckpointStore* checkpoints, ArtifactLibrary* files,
                 const Committed& committed);

// Removes the checkpoints of runs that neither wait nor run: those saved at the
// very moment at which their run ended, and those that a crash left. Waits for
// the store.
absl::Status SweepCheckpoints(Store& store, CheckpointStore& checkpoints);

}  // namespace sheaf::server
