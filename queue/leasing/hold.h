// Whether whoever reports holds the lease of which it speaks: what it must show
// before it may change, learn, leave or take anything.
#pragma once

#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "queue/error.h"
#include "queue/store.h"

namespace sheaf {

// A lease, as its worker names it, and the secret that it was given with it.
struct Hold {
  WorkerId worker;
  BatchId batch;
  int64_t epoch = 0;
  std::string secret;
};
Hold HoldOf(const Batch& batch);

// OK where `batch` is the lease, under that epoch, in that worker's hands, and
// the secret is its own; else LEASE_LOST. Names and epochs are public: only the
// secret tells its worker from everybody else.
absl::Status CheckHold(const std::optional<Batch>& batch, const Hold& hold);

// Returns the mark that stays with runs of the hold (Run::hold), so that a
// report of it is known as its own when the lease is gone.
int64_t MarkOf(const Hold& hold);

// Returns the params that the run asks for. LEASE_LOST where CheckHold says so,
// or the worker is not to make this run under the lease.
absl::StatusOr<RunParams> ParamsHeld(View& view, const Hold& hold, RunId run);

}  // namespace sheaf
