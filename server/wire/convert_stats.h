// Statistics on the wire.
#pragma once

#include <vector>

#include "queue/types.h"
#include "server/scheduling/workers.h"
#include "server/telemetry/stats_board.h"
#include "sheaf/v1/admin_service.pb.h"

namespace sheaf::server {

// Everything that the figures are made of.
struct StatsParts {
  StatsBoard::Recalled recalled;
  std::vector<Queue> queues;   // as they are now
  std::vector<Batch> batches;  // held now
  std::vector<WorkerInfo> workers;
  absl::Time now;
};

// Everything but the server's own facts: start_time and config. Only the queue
// named `queue` ("default"), where that is not empty; it must be one of
// `parts.queues` then.
void ToProto(const StatsParts& parts, const std::string& queue,
             sheaf::v1::Stats* out);

}  // namespace sheaf::server
