// A call of the server to itself, by the way that a new client goes.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"

namespace sheaf::server {

// Connects to `address`, which the server listens on, and asks gRPC for its
// health; what that is does not matter. DEADLINE_EXCEEDED where there is no
// connection or no answer within `timeout` for each.
absl::Status CallSelf(const std::string& address, absl::Duration timeout);

}  // namespace sheaf::server
