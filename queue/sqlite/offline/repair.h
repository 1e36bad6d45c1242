// Mending a database whose counts and leases contradict its runs, while no
// server runs.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace sheaf {

// Counts jobs, queues and owners anew by their runs; makes queues that are gone
// while runs wait or run in them; hands back, without fault, what leases hold
// that make no sense, and running runs that no lease holds. All or nothing.
// Answers a line for each thing that it changed.
//
// DATABASE_LOCKED while a server runs; STORE_CORRUPT where the file itself is
// damaged: then a backup is what helps. A database of an older version is
// brought up to this one.
absl::StatusOr<std::vector<std::string>> Repair(const std::string& directory,
                                                absl::Time now);

}  // namespace sheaf
