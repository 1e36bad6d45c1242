// Tells which worker a call comes from: by the secret of a registration, or by
// the connection.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "server/admission/caller.h"
#include "server/scheduling/workers.h"

namespace sheaf::server {

// Whether `secret` is that of the registration. Without a secret: whether the
// call comes over the connection that holds the registration's stream now;
// false over UNIX sockets, where all connections look alike.
bool Claims(const WorkerInfo& worker, const std::string& connection,
            const std::string& secret);

// The worker in whose name the call is made, where the caller may use the name.
// Otherwise WORKER_NOT_FOUND, which says how to become a worker.
absl::StatusOr<WorkerInfo> FindClaimed(const WorkerRegistry& workers,
                                       const std::string& name,
                                       const Caller& caller,
                                       const std::string& secret);

// Whether a worker that names this version knows nothing of secrets. A text
// that does not read as a version of ours ("1.2.3") is not outdated: it belongs
// to another program.
bool IsOutdated(std::string_view version);

}  // namespace sheaf::server
