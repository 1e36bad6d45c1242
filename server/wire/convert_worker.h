// Calls of workers on the wire: each request becomes the value that its use
// case takes, and each result the response.
#pragma once

#include <vector>

#include "batching/pricing/work_kind.h"
#include "server/scheduling/workers.h"
#include "server/use_cases/batch_offers.h"
#include "server/use_cases/worker_reports.h"
#include "server/use_cases/worker_sessions.h"
#include "sheaf/v1/worker_service.pb.h"

namespace sheaf::server {

// The facts that a worker tells of itself.
WorkerInfo FromProto(const sheaf::v1::RegisterWorkerRequest& request);
// Says nothing of which worker it is.
void ToProto(const Welcome& welcome, sheaf::v1::WorkerSignal* out);
void ToProto(const WorkerNudge& nudge, sheaf::v1::WorkerSignal* out);

WorkQuestion FromProto(const sheaf::v1::LeaseBatchRequest& request);
void ToProto(const BatchOffer& offer, sheaf::v1::LeaseBatchResponse* out);

ProgressReport FromProto(const sheaf::v1::ReportProgressRequest& request);
void ToProto(const WorkerReports::Noted& noted,
             sheaf::v1::ReportProgressResponse* out);

EndReport FromProto(const sheaf::v1::FinishRunsRequest& request);
void ToProto(const std::vector<RunState>& states,
             sheaf::v1::FinishRunsResponse* out);

// The kind of work that was measured, on the device as its worker calls it.
WorkKind MeasuredKind(const sheaf::v1::ReportProfileRequest& request);

}  // namespace sheaf::server
