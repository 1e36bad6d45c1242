// Known memory and times, on the wire.
#pragma once

#include "batching/pricing/memory.h"
#include "server/scheduling/learned_figures.h"
#include "sheaf/v1/admin_service.pb.h"
#include "sheaf/v1/worker_service.pb.h"

namespace sheaf::server {

void ToProto(const WorkFigures& figures, sheaf::v1::WorkMemory* out);
batching::BatchMemory FromProto(const sheaf::v1::BatchMemory& memory);

}  // namespace sheaf::server
