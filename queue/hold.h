// Whether a worker still holds a run: what it must show before it may leave
// or take something of the run's own besides an outcome.
#pragma once

#include "absl/status/statusor.h"
#include "queue/error.h"
#include "queue/store.h"

namespace sheaf {

// A lease, as a worker names it, and one run of it.
struct Hold {
  WorkerId worker;
  BatchId batch;
  int64_t epoch = 0;
  RunId run;
};

// What the run asks for. LEASE_LOST where the lease is no longer that worker's,
// under that epoch, or the worker is not to make this run under it.
absl::StatusOr<RunParams> ParamsHeld(View& view, const Hold& hold);

}  // namespace sheaf
