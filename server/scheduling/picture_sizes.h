// Checks that somebody could make pictures of the sizes that a job asks for.
#pragma once

#include "absl/status/status.h"
#include "queue/submit.h"
#include "server/scheduling/workers.h"

namespace sheaf::server {

// INVALID_FIELD, with the size and the limit, where a picture would have more
// pixels than the server takes (`pixels_max`; 0: any number), or than any
// present worker that has the model makes. Where no such worker is here, one
// may still come, so only the server's limit counts; workers are asked for the
// first few sizes of a job that any of them limits. Sizes that a run leaves to
// its model are not checked.
absl::Status CheckSizes(int64_t pixels_max, const WorkerRegistry& workers,
                        const PreparedJob& job);

}  // namespace sheaf::server
