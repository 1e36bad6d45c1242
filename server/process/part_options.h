// Turns the configuration into the options of the parts of the server. Values;
// any thread.
#pragma once

#include "absl/status/statusor.h"
#include "server/admission/connection_table.h"
#include "server/config/config.h"
#include "server/process/maintenance.h"
#include "server/scheduling/lease_planner.h"

namespace grpc {
class ServerBuilder;
}  // namespace grpc

namespace sheaf::server {

// Sets the bounds that gRPC keeps: messages, memory, idle connections.
void SetLimits(const ServerConfig& config, grpc::ServerBuilder* builder);
ConnectionLimits ConnectionLimitsOf(const ServerConfig& config);
// Only what the configuration says: the server sets the parts it works with.
MaintenanceOptions MaintenanceOptionsOf(const ServerConfig& config);
// INVALID_ARGUMENT where a weight is not valid.
absl::StatusOr<LeasePlanner::Options> PlannerOptionsOf(
    const ServerConfig& config);

}  // namespace sheaf::server
