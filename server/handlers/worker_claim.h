// Tells whose call it is that comes from a worker's side: by the secret of a
// lease or of a registration, or by the connection.
#pragma once

#include <grpcpp/grpcpp.h>

#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "server/handlers/core.h"
#include "server/scheduling/workers.h"

namespace sheaf::server {

// Whether `secret` is that of the registration; without one, whether the call
// comes over the connection that holds the registration's stream now, which
// over UNIX sockets cannot be told.
bool Claims(const WorkerInfo& worker, const std::string& peer,
            const std::string& secret);

// The worker in whose name the call is made, where it may be: else
// WORKER_NOT_FOUND, with how to become one.
absl::StatusOr<WorkerInfo> FindClaimed(const Core& core,
                                       const std::string& name,
                                       const std::string& peer,
                                       const std::string& secret);

template <class Message>
absl::StatusOr<WorkerInfo> WorkerOf(const Core& core,
                                    const grpc::CallbackServerContext& context,
                                    const Message& message) {
  return FindClaimed(core, message.worker(), context.peer(),
                     message.worker_secret());
}

// Whether a worker that names this version knows nothing of secrets. What does
// not read as a version of ours ("1.2.3") is somebody else's.
bool IsOutdated(std::string_view version);

}  // namespace sheaf::server
