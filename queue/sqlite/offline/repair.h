// Mending a database whose counts and leases contradict its runs, or in which
// texts beside the runs cannot be read, while no server runs.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace sheaf {

// Recounts jobs, queues and owners by their runs; makes queues that are gone
// while runs wait or run in them; hands back, without fault, the runs of leases
// that make no sense, and running runs that no lease holds. In place of errors,
// outputs and labels that cannot be read, it puts that they are lost, or
// nothing, so that their runs can be handed out again. All or nothing. Answers
// a line for each thing that it changed.
//
// DATABASE_LOCKED while a server runs; STORE_CORRUPT where the file itself is
// damaged: then only a backup helps. A database of an older version is brought
// up to this one.
absl::StatusOr<std::vector<std::string>> Repair(const std::string& directory,
                                                absl::Time now);

}  // namespace sheaf
