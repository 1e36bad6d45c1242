// Answers to operators on the wire: each use case's result becomes the response
// of its method.
#pragma once

#include <string>
#include <vector>

#include "queue/durable_store.h"
#include "server/use_cases/server_facts.h"
#include "server/use_cases/stats_reader.h"
#include "sheaf/v1/admin_service.pb.h"

namespace sheaf::server {

// The facts of the worker itself, and which of the `batches` it holds; not the
// figures of its devices.
void ToProto(const WorkerInfo& worker, const std::vector<Batch>& batches,
             sheaf::v1::Worker* out);
void ToProto(const BackupInfo& backup, sheaf::v1::BackupResponse* out);
// The problems that a check has found.
void ToProto(const std::vector<std::string>& problems,
             sheaf::v1::CheckIntegrityResponse* out);
void ToProto(const ServerState& state, sheaf::v1::ServerInfo* out);
void ToProto(const StoreContents& contents, sheaf::v1::ServerInfo* out);
// Everything but the server's own facts: start_time and config.
void ToProto(const StatsFacts& facts, sheaf::v1::Stats* out);

}  // namespace sheaf::server
