// What is known of memory and times, on the wire.
#pragma once

#include "server/batch_meter.h"
#include "sheaf/v1/admin_service.pb.h"

namespace sheaf::server {

void ToProto(const WorkFigures& figures, sheaf::v1::WorkMemory* out);

}  // namespace sheaf::server
