// Where LibTorch's exceptions end.
#pragma once

#include <functional>

#include "absl/status/status.h"

namespace sheaf::engine {

// Runs `work` without gradients and returns OK, or what it threw:
// RESOURCE_EXHAUSTED where memory ran out (everything `work` held is released
// by then), ABORTED where the device is beyond use until the process starts
// again, INTERNAL for the rest. `what` says in the message what was attempted.
absl::Status Guard(const char* what, const std::function<void()>& work);

}  // namespace sheaf::engine
