// The server as the worker calls it: one function per RPC, each with a
// deadline, each answering with an absl::Status.
//
// Owned by main, shared by the session and its helpers; every function may be
// called from any thread. Nothing here retries: IsRetryable says whether that
// would help, and the caller knows for how long.
#pragma once

#include <grpcpp/grpcpp.h>

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "sheaf/v1/artifact_service.grpc.pb.h"
#include "sheaf/v1/worker_service.grpc.pb.h"

namespace sheaf::worker {

inline constexpr absl::Duration kCallDeadline = absl::Seconds(10);

// A channel that keeps trying to connect, a few times a second at first and
// every two seconds later, and finds dead connections by keepalive pings.
// `server` is host:port or unix:path. Plain text: for loopback and unix
// sockets.
std::shared_ptr<grpc::Channel> MakeChannel(const std::string& server);

// Whether the same call may well succeed a little later.
bool IsRetryable(const absl::Status& status);

// Lets one thread end the call that another thread is waiting in. May be used
// from any thread. Once Cancel has been called, calls through the slot end at
// once with CANCELLED, until Reset.
class CancelSlot {
 public:
  void Cancel();
  void Reset();

  // While a Use lives, Cancel ends the call of `context`.
  class Use {
   public:
    Use(CancelSlot* slot, grpc::ClientContext* context);
    ~Use();
    Use(const Use&) = delete;
    Use& operator=(const Use&) = delete;

   private:
    CancelSlot* const slot_;
  };

 private:
  absl::Mutex mutex_;
  bool cancelled_ ABSL_GUARDED_BY(mutex_) = false;
  grpc::ClientContext* context_ ABSL_GUARDED_BY(mutex_) = nullptr;
};

// The terms in the server's first message to a worker.
struct Terms {
  std::string worker;
  std::string secret;  // Proves calls in its name; never logged.
  absl::Duration lease_duration;
  absl::Duration heartbeat_interval;
};

class Client {
 public:
  explicit Client(std::shared_ptr<grpc::Channel> channel);

  // The stream lives as long as `context`; it has no deadline.
  std::unique_ptr<grpc::ClientReader<v1::WorkerSignal>> RegisterWorker(
      grpc::ClientContext* context, const v1::RegisterWorkerRequest& request);

  // Waits up to `wait` for work, and up to kCallDeadline more for the answer.
  absl::StatusOr<v1::LeaseBatchResponse> LeaseBatch(const Terms& terms,
                                                    absl::Duration wait,
                                                    CancelSlot* slot);
  // Asks for work beside an active batch, without a thread that waits: one of
  // gRPC's threads calls `done`. `context` may end the call early; it and
  // `response` must live until then.
  void LeaseBeside(const v1::LeaseBatchRequest& request,
                   grpc::ClientContext* context,
                   v1::LeaseBatchResponse* response,
                   std::function<void(absl::Status)> done);
  absl::StatusOr<v1::ReportProgressResponse> ReportProgress(
      const v1::ReportProgressRequest& request,
      absl::Duration deadline = kCallDeadline);
  absl::StatusOr<v1::FinishRunsResponse> FinishRuns(
      const v1::FinishRunsRequest& request,
      absl::Duration deadline = kCallDeadline);
  absl::Status ReleaseLease(const v1::ReleaseLeaseRequest& request,
                            absl::Duration deadline = kCallDeadline);
  absl::Status ReportProfile(const v1::ReportProfileRequest& request);
  absl::Status DeregisterWorker(const Terms& terms,
                                absl::Duration deadline = kCallDeadline);

  // The artifact's bytes. DATA_LOSS if their hash is not the one in `name`,
  // INVALID_ARGUMENT if they are too many for a picture.
  absl::StatusOr<std::string> DownloadArtifact(const std::string& name);
  // Sends `bytes` in chunks and returns the name that the server gave them.
  // DATA_LOSS if that name does not match the bytes.
  absl::StatusOr<std::string> UploadArtifact(std::string_view bytes,
                                             std::string_view media_type,
                                             CancelSlot* slot);

  // Saves `bytes` at the server, in chunks; sets their size in the header.
  absl::Status SaveCheckpoint(v1::CheckpointHeader header,
                              std::string_view bytes, CancelSlot* slot,
                              absl::Duration deadline);
  // DATA_LOSS if fewer or more bytes come than the server promised.
  absl::StatusOr<std::string> LoadCheckpoint(
      const v1::LoadCheckpointRequest& request);

 private:
  std::unique_ptr<v1::WorkerService::Stub> workers_;
  std::unique_ptr<v1::ArtifactService::Stub> artifacts_;
};

}  // namespace sheaf::worker
