// The size of a queue's batches, as a submit asks for it. Blocks; one thread.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "cli/support/context.h"

namespace sheaf::cli {

// Sets the queue's batch size to `size`, if it has another, and says so. The
// size is the queue's and stays: while other runs are in the queue it is left
// as it is, and FAILED_PRECONDITION names the command that changes it for them,
// too.
absl::Status UseBatchSize(Context& context, const std::string& queue, int size);

}  // namespace sheaf::cli
