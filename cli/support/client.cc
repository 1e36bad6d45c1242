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
#include "base/retry.h"
#include "base/status.h"
#include "base/version.h"
#include "cli/support/errors.h"
#include "sheaf/v1/admin_service.pb.h"
#include "sheaf/v1/artifact_service.pb.h"
#include "sheaf/v1/batching_service.pb.h"
#include "sheaf/v1/job_service.pb.h"
#include "sheaf/v1/queue_service.pb.h"

namespace sheaf::cli {
namespace {

using google::protobuf::MessageLite;
using RpcType = grpc::internal::RpcMethod::RpcType;

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
  using google::protobuf::MethodOptions;
  std::vector<std::string> names;
  for (const auto* type :
       {v1::SubmitJobRequest::descriptor(), v1::Queue::descriptor(),
        v1::ServerInfo::descriptor(), v1::Artifact::descriptor(),
        v1::Plan::descriptor()}) {
    const auto& service = *type->file()->service(0);
    for (int i = 0; i < service.method_count(); ++i) {
      const auto& method = *service.method(i);
      if (method.options().idempotency_level() ==
          MethodOptions::IDEMPOTENCY_UNKNOWN) {
        continue;
      }
      names.push_back(absl::StrCat("{\"service\":\"", service.full_name(),
                                   "\",\"method\":\"", method.name(), "\"}"));
    }
  }
  std::vector<std::string> codes;
  for (const PassingCode& passing : kPassingCodes) {
    if (passing.clients_retry) {
      codes.push_back(absl::StrCat("\"", ToAbsl(passing.name), "\""));
    }
  }
  return absl::StrCat(
      "{\"methodConfig\":[{\"name\":[", absl::StrJoin(names, ","),
      "],\"retryPolicy\":{\"maxAttempts\":4,\"initialBackoff\":\"0.1s\","
      "\"maxBackoff\":\"2s\",\"backoffMultiplier\":2,"
      "\"retryableStatusCodes\":[",
      absl::StrJoin(codes, ","),
      "]}}],\"retryThrottling\":{\"maxTokens\":10,\"tokenRatio\":0.1}}");
}

}  // namespace sheaf::cli
