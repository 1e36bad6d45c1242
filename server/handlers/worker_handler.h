// WorkerService on the wire. The streams are in register_worker.cc and
// checkpoints.cc.
#pragma once

#include "server/admission/stream_slots.h"
#include "server/blobs/artifact_library.h"
#include "server/blobs/checkpoint_store.h"
#include "server/handlers/calls.h"
#include "server/scheduling/prices_board.h"
#include "server/use_cases/batch_offers.h"
#include "server/use_cases/worker_reports.h"
#include "server/use_cases/worker_sessions.h"
#include "server/wire/guarded_messages.h"
#include "sheaf/v1/worker_service.grpc.pb.h"

namespace sheaf::server {

class WorkerHandler final : public sheaf::v1::WorkerService::CallbackService {
 public:
  // The parts that it works with; all of them outlive the handler.
  struct Parts {
    const WorkerSessions* sessions = nullptr;
    const BatchOffers* offers = nullptr;
    const WorkerReports* reports = nullptr;
    PricesBoard* prices = nullptr;
    ArtifactLibrary* files = nullptr;  // its threads may wait for the disk
    CheckpointStore* checkpoints = nullptr;
    StreamSlots* saves = nullptr;  // of checkpoints
    StreamSlots* downloads = nullptr;
  };
  WorkerHandler(const Calls& calls, const Parts& parts);

  grpc::ServerWriteReactor<sheaf::v1::WorkerSignal>* RegisterWorker(
      grpc::CallbackServerContext* context,
      const sheaf::v1::RegisterWorkerRequest* request) override;
  grpc::ServerUnaryReactor* LeaseBatch(
      grpc::CallbackServerContext* context,
      const sheaf::v1::LeaseBatchRequest* request,
      sheaf::v1::LeaseBatchResponse* response) override;
  grpc::ServerUnaryReactor* ReportProgress(
      grpc::CallbackServerContext* context,
      const sheaf::v1::ReportProgressRequest* request,
      sheaf::v1::ReportProgressResponse* response) override;
  grpc::ServerUnaryReactor* FinishRuns(
      grpc::CallbackServerContext* context,
      const sheaf::v1::FinishRunsRequest* request,
      sheaf::v1::FinishRunsResponse* response) override;
  grpc::ServerUnaryReactor* ReleaseLease(
      grpc::CallbackServerContext* context,
      const sheaf::v1::ReleaseLeaseRequest* request,
      sheaf::v1::ReleaseLeaseResponse* response) override;
  grpc::ServerUnaryReactor* ReportProfile(
      grpc::CallbackServerContext* context,
      const sheaf::v1::ReportProfileRequest* request,
      sheaf::v1::ReportProfileResponse* response) override;
  grpc::ServerReadReactor<sheaf::v1::SaveCheckpointRequest>* SaveCheckpoint(
      grpc::CallbackServerContext* context,
      sheaf::v1::SaveCheckpointResponse* response) override;
  grpc::ServerWriteReactor<sheaf::v1::LoadCheckpointResponse>* LoadCheckpoint(
      grpc::CallbackServerContext* context,
      const sheaf::v1::LoadCheckpointRequest* request) override;
  grpc::ServerUnaryReactor* DeregisterWorker(
      grpc::CallbackServerContext* context,
      const sheaf::v1::DeregisterWorkerRequest* request,
      sheaf::v1::DeregisterWorkerResponse* response) override;

 private:
  const Calls calls_;
  const Parts parts_;
};

}  // namespace sheaf::server
