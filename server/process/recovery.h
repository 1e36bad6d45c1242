// Calls that a start makes to the store once, before all other calls, on the
// thread that starts the server.
#pragma once

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "queue/store.h"

namespace sheaf::server {

// The time of the newest event; the infinite past where there is none.
absl::Time NewestTime(Store& store);

// Hands back the leases that a version before secrets gave out: no report for
// them would be accepted, so their runs go back in line at once, without fault.
absl::Status HandBackUnheld(Store& store);

}  // namespace sheaf::server
