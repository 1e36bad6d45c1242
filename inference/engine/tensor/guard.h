// Turns LibTorch's exceptions into statuses.
#pragma once

#include <functional>

#include "absl/status/status.h"

namespace sheaf::engine {

// Runs `work` without gradients and returns OK, or a status for the exception
// that `work` threw: RESOURCE_EXHAUSTED where memory ran out (everything `work`
// held is released by then), ABORTED where the device cannot be used until the
// process starts again, INTERNAL for the rest. `what` names the attempt in the
// message.
absl::Status Guard(const char* what, const std::function<void()>& work);

}  // namespace sheaf::engine
