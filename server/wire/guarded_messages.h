// Has gRPC read every request by ReadGuarded (server/wire/message_guard.h), and
// answer OVERLOADED for a handler that throws.
//
// Include it before the service's own header, because gRPC's way of reading
// must not have been chosen yet. A test finds a request that is missing in the
// list.
#pragma once

#include <grpcpp/impl/codegen/proto_utils.h>
#include <grpcpp/support/server_callback.h>

#include "server/wire/message_guard.h"
#include "sheaf/v1/admin_service.pb.h"
#include "sheaf/v1/artifact_service.pb.h"
#include "sheaf/v1/batching_service.pb.h"
#include "sheaf/v1/job_service.pb.h"
#include "sheaf/v1/queue_service.pb.h"
#include "sheaf/v1/worker_service.pb.h"

#define SHEAF_GUARDED_MESSAGES(X) \
  X(AcceptClockRequest)           \
  X(AnalyzeAndExecuteRequest)     \
  X(AnalyzeQueueRequest)          \
  X(BackupRequest)                \
  X(CalibrateWorkerRequest)       \
  X(CancelJobRequest)             \
  X(CheckIntegrityRequest)        \
  X(CreateQueueRequest)           \
  X(DeleteJobRequest)             \
  X(DeleteQueueRequest)           \
  X(DeregisterWorkerRequest)      \
  X(DownloadArtifactRequest)      \
  X(DrainQueueRequest)            \
  X(DrainWorkerRequest)           \
  X(ExecutePlanRequest)           \
  X(ExplainRunRequest)            \
  X(FinishRunsRequest)            \
  X(ForgetLearnedRequest)         \
  X(GetArtifactRequest)           \
  X(GetBatchProfileRequest)       \
  X(GetCatalogRequest)            \
  X(GetJobRequest)                \
  X(GetPlanRequest)               \
  X(GetPreviewRequest)            \
  X(GetQueueRequest)              \
  X(GetRunRequest)                \
  X(GetServerInfoRequest)         \
  X(GetStatsRequest)              \
  X(LeaseBatchRequest)            \
  X(ListJobsRequest)              \
  X(ListPlanBatchesRequest)       \
  X(ListPlansRequest)             \
  X(ListQueuesRequest)            \
  X(ListRunsRequest)              \
  X(ListWorkersRequest)           \
  X(LoadCheckpointRequest)        \
  X(PauseQueueRequest)            \
  X(PurgeQueueRequest)            \
  X(RegisterWorkerRequest)        \
  X(ReleaseLeaseRequest)          \
  X(ReportProfileRequest)         \
  X(ReportProgressRequest)        \
  X(ResumeQueueRequest)           \
  X(RetryJobRequest)              \
  X(SaveCheckpointRequest)        \
  X(SubmitJobRequest)             \
  X(SubmitJobsRequest)            \
  X(UndoPlanRequest)              \
  X(UpdateJobRequest)             \
  X(UpdateQueueRequest)           \
  X(UploadArtifactRequest)        \
  X(WaitJobRequest)               \
  X(WatchEventsRequest)

namespace grpc {

#define SHEAF_GUARD(Name)                                                   \
  template <>                                                               \
  class SerializationTraits<::sheaf::v1::Name, void> {                      \
   public:                                                                  \
    static Status Serialize(const ::sheaf::v1::Name& message,               \
                            ByteBuffer* buffer, bool* own) {                \
      return GenericSerialize<ProtoBufferWriter, ::sheaf::v1::Name>(        \
          message, buffer, own);                                            \
    }                                                                       \
    static Status Deserialize(ByteBuffer* buffer, ::sheaf::v1::Name* out) { \
      return ::sheaf::server::ReadGuarded(buffer, out);                     \
    }                                                                       \
  };

SHEAF_GUARDED_MESSAGES(SHEAF_GUARD)

#undef SHEAF_GUARD

namespace internal {

// Answers where a handler has thrown. gRPC itself would say UNIMPLEMENTED,
// after which a worker leaves for good; handlers throw only bad_alloc.
template <>
class FinishOnlyReactor<ServerUnaryReactor> : public ServerUnaryReactor {
 public:
  explicit FinishOnlyReactor(const Status&) {
    Finish(::sheaf::server::HandlerHasThrown());
  }
  void OnDone() override { this->~FinishOnlyReactor(); }
};

}  // namespace internal
}  // namespace grpc
