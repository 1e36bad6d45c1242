// WorkerService on the wire.
#pragma once

#include "server/handlers/core.h"
#include "server/wire/guarded_messages.h"
#include "sheaf/v1/worker_service.grpc.pb.h"

namespace sheaf::server {

class WorkerHandler final : public sheaf::v1::WorkerService::CallbackService {
 public:
  explicit WorkerHandler(Core* core) : core_(*core) {}

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
  Core& core_;
};

}  // namespace sheaf::server
