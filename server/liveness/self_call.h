// A call of the server to itself, in the way of a new client.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"

namespace sheaf::server {

// Connects to `address`, which the server listens on, and asks gRPC for its
// health; any health will do. DEADLINE_EXCEEDED where there is no connection or
// no answer within `timeout` for each.
absl::Status CallSelf(const std::string& address, absl::Duration timeout);

}  // namespace sheaf::server
