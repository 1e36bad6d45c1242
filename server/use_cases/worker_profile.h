// A profile that a worker has measured on its device: it prices such work from
// then on.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "batching/pricing/work_kind.h"
#include "server/scheduling/prices_board.h"
#include "server/scheduling/workers.h"

namespace sheaf::server {

// Takes the profile in `json` for work of this kind, whose device goes by the
// name that the worker gives it. INVALID_FIELD for a device
// that the worker did not register with, and for a profile that cannot be read
// or has a figure that prices nothing.
absl::Status TakeProfile(PricesBoard* prices, const WorkerInfo& worker,
                         WorkKind kind, const std::string& json);

}  // namespace sheaf::server
