#include "cli/support/client.h"

#include <grpcpp/grpcpp.h>
#include <grpcpp/impl/client_unary_call.h>
#include <grpcpp/impl/codegen/proto_utils.h>
#include <grpcpp/support/sync_stream.h>

#include <chrono>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/version.h"
#include "cli/support/errors.h"

namespace sheaf::cli {
namespace {

using google::protobuf::MessageLite;
using RpcType = grpc::internal::RpcMethod::RpcType;

// Reads, and writes that do nothing the second time. Left out are methods that
// would answer the retry of a lost success with an error or a smaller count
// (CreateQueue, DeleteJob, DeleteQueue, RetryJob, PurgeQueue, Backup).
constexpr std::pair<const char*, const char*> kRetried[] = {
    {"sheaf.v1.JobService", "SubmitJob"},
    {"sheaf.v1.JobService", "SubmitJobs"},
    {"sheaf.v1.JobService", "GetJob"},
    {"sheaf.v1.JobService", "ListJobs"},
    {"sheaf.v1.JobService", "GetRun"},
    {"sheaf.v1.JobService", "ListRuns"},
    {"sheaf.v1.JobService", "GetPreview"},
    {"sheaf.v1.JobService", "CancelJob"},
    {"sheaf.v1.JobService", "UpdateJob"},
    {"sheaf.v1.JobService", "WaitJob"},
    {"sheaf.v1.JobService", "WatchEvents"},
    {"sheaf.v1.QueueService", "GetQueue"},
    {"sheaf.v1.QueueService", "ListQueues"},
    {"sheaf.v1.QueueService", "UpdateQueue"},
    {"sheaf.v1.QueueService", "PauseQueue"},
    {"sheaf.v1.QueueService", "ResumeQueue"},
    {"sheaf.v1.QueueService", "DrainQueue"},
    {"sheaf.v1.AdminService", "ListWorkers"},
    {"sheaf.v1.AdminService", "DrainWorker"},
    {"sheaf.v1.AdminService", "CheckIntegrity"},
    {"sheaf.v1.AdminService", "GetServerInfo"},
    {"sheaf.v1.AdminService", "GetStats"},
    {"sheaf.v1.ArtifactService", "DownloadArtifact"},
    {"sheaf.v1.ArtifactService", "GetArtifact"},
};

grpc::ChannelArguments Arguments() {
  grpc::ChannelArguments arguments;
  arguments.SetServiceConfigJSON(RetryServiceConfig());
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, 30000);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 10000);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  // Otherwise gRPC would ask http_proxy for the way to 127.0.0.1.
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  // Pages of full jobs may be larger than the default of 4 MiB.
  arguments.SetMaxReceiveMessageSize(64 << 20);
  // Error details travel in trailers; the default of 8 KiB cuts long ones off.
  arguments.SetInt(GRPC_ARG_MAX_METADATA_SIZE, 64 << 10);
  arguments.SetUserAgentPrefix(absl::StrCat("sheaf-cli/", kVersion));
  return arguments;
}

absl::Status FromWire(const grpc::Status& status) {
  return StatusFromWire(status.error_code(), status.error_message(),
                        status.error_details());
}

}  // namespace

struct Client::Wire {
  std::shared_ptr<grpc::Channel> channel;
  // RpcMethod keeps the pointer it is given.
  std::string path;

  grpc::internal::RpcMethod Method(std::string_view method, RpcType type) {
    path = "/" + std::string(method);
    return grpc::internal::RpcMethod(path.c_str(), type);
  }
};

namespace {

void Prepare(const Client::Options& options, absl::Duration deadline,
             grpc::ClientContext* context) {
  context->set_deadline(std::chrono::system_clock::now() +
                        absl::ToChronoMilliseconds(deadline));
  if (!options.token.empty()) {
    context->AddMetadata("authorization", "Bearer " + options.token);
  }
}

}  // namespace

Client::Client(Options options)
    : options_(std::move(options)), wire_(std::make_unique<Wire>()) {
  wire_->channel = grpc::CreateCustomChannel(
      options_.server, grpc::InsecureChannelCredentials(), Arguments());
}

Client::~Client() = default;

absl::Status Client::Unary(std::string_view method, const MessageLite& request,
                           absl::Duration patience, MessageLite* response) {
  grpc::ClientContext context;
  Prepare(options_, options_.timeout + patience, &context);
  return FromWire(grpc::internal::BlockingUnaryCall<MessageLite, MessageLite,
                                                    MessageLite, MessageLite>(
      wire_->channel.get(), wire_->Method(method, RpcType::NORMAL_RPC),
      &context, request, response));
}

absl::Status Client::ReadStream(std::string_view method,
                                const MessageLite& request,
                                absl::Duration deadline, MessageLite* response,
                                const std::function<bool()>& each) {
  grpc::ClientContext context;
  Prepare(options_, deadline, &context);
  const std::unique_ptr<grpc::ClientReader<MessageLite>> reader(
      grpc::internal::ClientReaderFactory<MessageLite>::Create<MessageLite>(
          wire_->channel.get(),
          wire_->Method(method, RpcType::SERVER_STREAMING), &context, request));
  bool wanted = true;
  while (wanted && reader->Read(response)) wanted = each();
  if (!wanted) context.TryCancel();
  const grpc::Status status = reader->Finish();
  return wanted ? FromWire(status) : absl::OkStatus();
}

absl::Status Client::WriteStream(std::string_view method, MessageLite* request,
                                 const std::function<bool()>& next,
                                 absl::Duration deadline,
                                 MessageLite* response) {
  grpc::ClientContext context;
  Prepare(options_, deadline, &context);
  const std::unique_ptr<grpc::ClientWriter<MessageLite>> writer(
      grpc::internal::ClientWriterFactory<MessageLite>::Create<MessageLite>(
          wire_->channel.get(),
          wire_->Method(method, RpcType::CLIENT_STREAMING), &context,
          response));
  // A failed write means that the server has answered: Finish says what.
  while (next() && writer->Write(*request)) {
  }
  writer->WritesDone();
  return FromWire(writer->Finish());
}

std::string RetryServiceConfig() {
  std::vector<std::string> names;
  for (const auto& [service, method] : kRetried) {
    names.push_back(absl::StrCat("{\"service\":\"", service, "\",\"method\":\"",
                                 method, "\"}"));
  }
  return absl::StrCat(
      "{\"methodConfig\":[{\"name\":[", absl::StrJoin(names, ","),
      "],\"retryPolicy\":{\"maxAttempts\":4,\"initialBackoff\":\"0.1s\","
      "\"maxBackoff\":\"2s\",\"backoffMultiplier\":2,"
      "\"retryableStatusCodes\":[\"UNAVAILABLE\"]}}],"
      "\"retryThrottling\":{\"maxTokens\":10,\"tokenRatio\":0.1}}");
}

}  // namespace sheaf::cli
