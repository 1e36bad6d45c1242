#include "inference/worker/session/client.h"

#include <algorithm>
#include <utility>

#include "absl/time/clock.h"
#include "base/retry.h"
#include "base/sha256.h"

namespace sheaf::worker {
namespace {

// Longest time for one upload or download: chunks of many pictures share one
// connection.
constexpr absl::Duration kUploadDeadline = absl::Seconds(60);
constexpr std::size_t kChunkBytes = 256 * 1024;
constexpr std::size_t kDownloadBytesMax = std::size_t{256} << 20;
// 1024 runs of a 64 KiB prompt each, twice: shared and in the run.
constexpr int kReceiveBytesMax = 192 * 1024 * 1024;

absl::Status ToAbslStatus(const grpc::Status& status) {
  return absl::Status(static_cast<absl::StatusCode>(status.error_code()),
                      status.error_message());
}

void SetDeadline(grpc::ClientContext* context, absl::Duration deadline) {
  context->set_deadline(absl::ToChronoTime(absl::Now() + deadline));
}

// Calls `method` of `stub`; the shape of every unary RPC.
template <typename Response, typename Stub, typename Request>
absl::StatusOr<Response> Call(Stub* stub,
                              grpc::Status (Stub::*method)(grpc::ClientContext*,
                                                           const Request&,
                                                           Response*),
                              const Request& request, absl::Duration deadline,
                              CancelSlot* slot = nullptr) {
  grpc::ClientContext context;
  SetDeadline(&context, deadline);
  Response response;
  grpc::Status status;
  if (slot != nullptr) {
    CancelSlot::Use use(slot, &context);
    status = (stub->*method)(&context, request, &response);
  } else {
    status = (stub->*method)(&context, request, &response);
  }
  if (!status.ok()) return ToAbslStatus(status);
  return response;
}

}  // namespace

std::shared_ptr<grpc::Channel> MakeChannel(const std::string& server) {
  grpc::ChannelArguments args;
  args.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, 30'000);
  args.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 10'000);
  args.SetInt(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  args.SetInt(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
  // gRPC's own default climbs to two minutes, far too long to notice that a
  // server on the same machine is back.
  args.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 100);
  args.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 2'000);
  args.SetMaxReceiveMessageSize(kReceiveBytesMax);
  return grpc::CreateCustomChannel(server, grpc::InsecureChannelCredentials(),
                                   args);
}

bool IsRetryable(const absl::Status& status) {
  return FindPassing(status.code()) != nullptr;
}

void CancelSlot::Cancel() {
  absl::MutexLock lock(&mutex_);
  cancelled_ = true;
  if (context_ != nullptr) context_->TryCancel();
}

void CancelSlot::Reset() {
  absl::MutexLock lock(&mutex_);
  cancelled_ = false;
}

CancelSlot::Use::Use(CancelSlot* slot, grpc::ClientContext* context)
    : slot_(slot) {
  absl::MutexLock lock(&slot_->mutex_);
  slot_->context_ = context;
  if (slot_->cancelled_) context->TryCancel();
}

CancelSlot::Use::~Use() {
  absl::MutexLock lock(&slot_->mutex_);
  slot_->context_ = nullptr;
}

Client::Client(std::shared_ptr<grpc::Channel> channel)
    : workers_(v1::WorkerService::NewStub(channel)),
      artifacts_(v1::ArtifactService::NewStub(channel)) {}

std::unique_ptr<grpc::ClientReader<v1::WorkerSignal>> Client::RegisterWorker(
    grpc::ClientContext* context, const v1::RegisterWorkerRequest& request) {
  return workers_->RegisterWorker(context, request);
}

absl::StatusOr<v1::LeaseBatchResponse> Client::LeaseBatch(const Terms& terms,
                                                          absl::Duration wait,
                                                          CancelSlot* slot) {
  v1::LeaseBatchRequest request;
  request.set_worker(terms.worker);
  request.set_worker_secret(terms.secret);
  request.mutable_wait()->set_seconds(absl::ToInt64Seconds(wait));
  return Call<v1::LeaseBatchResponse>(workers_.get(),
                                      &v1::WorkerService::Stub::LeaseBatch,
                                      request, wait + kCallDeadline, slot);
}

void Client::LeaseBeside(const v1::LeaseBatchRequest& request,
                         grpc::ClientContext* context,
                         v1::LeaseBatchResponse* response,
                         std::function<void(absl::Status)> done) {
  SetDeadline(context, absl::Seconds(request.wait().seconds()) + kCallDeadline);
  workers_->async()->LeaseBatch(
      context, &request, response,
      [done = std::move(done)](const grpc::Status& status) {
        done(ToAbslStatus(status));
      });
}

absl::StatusOr<v1::ReportProgressResponse> Client::ReportProgress(
    const v1::ReportProgressRequest& request, absl::Duration deadline) {
  return Call<v1::ReportProgressResponse>(
      workers_.get(), &v1::WorkerService::Stub::ReportProgress, request,
      deadline);
}

absl::StatusOr<v1::FinishRunsResponse> Client::FinishRuns(
    const v1::FinishRunsRequest& request, absl::Duration deadline) {
  return Call<v1::FinishRunsResponse>(
      workers_.get(), &v1::WorkerService::Stub::FinishRuns, request, deadline);
}

absl::Status Client::ReleaseLease(const v1::ReleaseLeaseRequest& request,
                                  absl::Duration deadline) {
  return Call<v1::ReleaseLeaseResponse>(workers_.get(),
                                        &v1::WorkerService::Stub::ReleaseLease,
                                        request, deadline)
      .status();
}

absl::Status Client::ReportProfile(const v1::ReportProfileRequest& request) {
  return Call<v1::ReportProfileResponse>(
             workers_.get(), &v1::WorkerService::Stub::ReportProfile, request,
             kCallDeadline)
      .status();
}

absl::Status Client::DeregisterWorker(const Terms& terms,
                                      absl::Duration deadline) {
  v1::DeregisterWorkerRequest request;
  request.set_worker(terms.worker);
  request.set_worker_secret(terms.secret);
  return Call<v1::DeregisterWorkerResponse>(
             workers_.get(), &v1::WorkerService::Stub::DeregisterWorker,
             request, deadline)
      .status();
}

absl::StatusOr<std::string> Client::DownloadArtifact(const std::string& name) {
  grpc::ClientContext context;
  SetDeadline(&context, kUploadDeadline);
  v1::DownloadArtifactRequest request;
  request.set_name(name);
  const auto reader = artifacts_->DownloadArtifact(&context, request);
  std::string bytes;
  v1::DownloadArtifactResponse chunk;
  while (reader->Read(&chunk)) {
    if (bytes.size() + chunk.data().size() > kDownloadBytesMax) {
      context.TryCancel();
      reader->Finish();
      return absl::InvalidArgumentError(name + " is too large for a picture");
    }
    bytes += chunk.data();
  }
  const grpc::Status status = reader->Finish();
  if (!status.ok()) return ToAbslStatus(status);
  if ("artifacts/" + Sha256Hex(bytes) != name) {
    return absl::DataLossError("the server sent bytes that do not match " +
                               name);
  }
  return bytes;
}

absl::StatusOr<std::string> Client::UploadArtifact(std::string_view bytes,
                                                   std::string_view media_type,
                                                   CancelSlot* slot) {
  const std::string name = "artifacts/" + Sha256Hex(bytes);
  grpc::ClientContext context;
  SetDeadline(&context, kUploadDeadline);
  CancelSlot::Use use(slot, &context);
  v1::Artifact artifact;
  auto writer = artifacts_->UploadArtifact(&context, &artifact);
  v1::UploadArtifactRequest chunk;
  chunk.set_expected_name(name);
  chunk.set_media_type(std::string(media_type));
  std::string_view rest = bytes;
  do {
    const std::string_view data = rest.substr(0, kChunkBytes);
    chunk.set_data(data.data(), data.size());
    // A refused write means that the answer has come already.
    if (!writer->Write(chunk)) break;
    rest.remove_prefix(data.size());
    chunk.Clear();
  } while (!rest.empty());
  writer->WritesDone();
  const grpc::Status status = writer->Finish();
  if (!status.ok()) return ToAbslStatus(status);
  if (artifact.name() != name) {
    return absl::DataLossError(
        "the server stored other bytes than this worker sent");
  }
  return name;
}

absl::Status Client::SaveCheckpoint(v1::CheckpointHeader header,
                                    std::string_view bytes, CancelSlot* slot,
                                    absl::Duration deadline) {
  grpc::ClientContext context;
  SetDeadline(&context, deadline);
  CancelSlot::Use use(slot, &context);
  v1::SaveCheckpointResponse response;
  auto writer = workers_->SaveCheckpoint(&context, &response);
  v1::SaveCheckpointRequest part;
  header.set_size_bytes(static_cast<int64_t>(bytes.size()));
  *part.mutable_header() = std::move(header);
  // A refused write means that the answer has come already.
  bool wanted = writer->Write(part);
  while (wanted && !bytes.empty()) {
    const std::string_view data = bytes.substr(0, kChunkBytes);
    part.set_data(data.data(), data.size());
    wanted = writer->Write(part);
    bytes.remove_prefix(data.size());
  }
  writer->WritesDone();
  return ToAbslStatus(writer->Finish());
}

absl::StatusOr<std::string> Client::LoadCheckpoint(
    const v1::LoadCheckpointRequest& request) {
  grpc::ClientContext context;
  SetDeadline(&context, kUploadDeadline);
  const auto reader = workers_->LoadCheckpoint(&context, request);
  std::string bytes;
  std::size_t size = 0;
  v1::LoadCheckpointResponse part;
  while (reader->Read(&part)) {
    if (bytes.empty()) size = static_cast<std::size_t>(part.size_bytes());
    bytes += part.data();
    if (bytes.size() <= size && size <= kDownloadBytesMax) continue;
    context.TryCancel();
    reader->Finish();
    return absl::DataLossError("the server sent more bytes than it announced");
  }
  const grpc::Status status = reader->Finish();
  if (!status.ok()) return ToAbslStatus(status);
  if (bytes.size() != size) {
    return absl::DataLossError("the server sent fewer bytes than it announced");
  }
  return bytes;
}

}  // namespace sheaf::worker
