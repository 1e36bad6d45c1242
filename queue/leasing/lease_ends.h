// Ends leases that no report ends.
//
// Each lease is ended in a write of its own. So a lease that cannot be ended,
// because its stored data makes no sense, does not stop the others.
#pragma once

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "queue/store.h"

namespace sheaf {

enum class LeaseEnd {
  kExpired,     // its time is over: failed with WORKER_DIED
  kDied,        // its worker died: the same
  kTooLong,     // it takes longer than its queue allows: failed with ENGINE
  kHandedBack,  // without fault
};

// Whether a batch of the queue that began at `start_time` takes too long by
// now.
bool TakesTooLong(const Queue& queue, absl::Time start_time, absl::Time now);

// Ends a lease, if it is there still and, for kExpired, not renewed; for
// kTooLong, if it takes too long still. Answers how many runs it held.
int EndLease(Tx& tx, BatchId batch, LeaseEnd how);

// Ends every lease of a worker; then `done`, on a thread of the store, with the
// first fault there was.
void EndLeasesOf(Store& store, WorkerId worker, LeaseEnd how,
                 absl::AnyInvocable<void(absl::Status)> done);

}  // namespace sheaf
