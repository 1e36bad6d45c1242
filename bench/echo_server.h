// Measures gRPC alone: a server that takes the same submits and gives the same
// answers, and does nothing in between.
#pragma once

#include <string>

namespace sheaf::bench {

// Serves at `address` until killed. Returns the program's exit status.
int RunEchoServer(const std::string& address);

}  // namespace sheaf::bench
