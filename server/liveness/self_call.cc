#include "server/liveness/self_call.h"

#include <grpcpp/create_channel_posix.h>
#include <grpcpp/grpcpp.h>
#include <grpcpp/impl/client_unary_call.h>
#include <grpcpp/impl/codegen/proto_utils.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "grpc/health/v1/health.pb.h"
#include "server/config/listen_address.h"

namespace sheaf::server {
namespace {

constexpr char kCheck[] = "/grpc.health.v1.Health/Check";

absl::Status NoAnswer(const std::string& why) {
  return absl::DeadlineExceededError(why);
}

// Waits for a connection that is under way.
int ErrorOf(int fd, absl::Duration timeout) {
  pollfd watched = {.fd = fd, .events = POLLOUT};
  const int ms = static_cast<int>(absl::ToInt64Milliseconds(timeout));
  if (poll(&watched, 1, ms) != 1) return ETIMEDOUT;
  int error = 0;
  socklen_t size = sizeof(error);
  getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size);
  return error;
}

absl::StatusOr<int> Connect(const sockaddr* address, socklen_t size,
                            absl::Duration timeout) {
  const int fd =
      socket(address->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  // Without a free descriptor no client can connect either, and the accept loop
  // reports that by itself.
  if (fd < 0) return absl::UnavailableError(strerror(errno));
  int error = 0;
  if (connect(fd, address, size) != 0) {
    error = errno == EINPROGRESS ? ErrorOf(fd, timeout) : errno;
  }
  if (error == 0) return fd;
  close(fd);
  return NoAnswer(absl::StrCat("cannot connect: ", strerror(error)));
}

absl::StatusOr<int> ConnectTo(const std::string& address,
                              absl::Duration timeout) {
  if (const auto path = UnixPath(address)) {
    sockaddr_un name = {.sun_family = AF_UNIX};
    std::memcpy(name.sun_path, path->data(), path->size());
    return Connect(reinterpret_cast<const sockaddr*>(&name), sizeof(name),
                   timeout);
  }
  const auto parts = SplitHostAndPort(address);
  if (!parts) return NoAnswer("no address");
  addrinfo hints = {};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const int failed = getaddrinfo(
      parts->host.c_str(), absl::StrCat(parts->port).c_str(), &hints, &found);
  // This is a fault of the name server, not of the listener.
  if (failed != 0) return absl::UnavailableError(gai_strerror(failed));
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> frees(found,
                                                             freeaddrinfo);
  return Connect(found->ai_addr, found->ai_addrlen, timeout);
}

}  // namespace

absl::Status CallSelf(const std::string& address, absl::Duration timeout) {
  SHEAF_ASSIGN_OR_RETURN(const int fd, ConnectTo(address, timeout));
  // The channel closes `fd`.
  const auto channel = grpc::CreateInsecureChannelFromFd("self", fd);
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() +
                       absl::ToChronoMilliseconds(timeout));
  const grpc::health::v1::HealthCheckRequest request;
  grpc::health::v1::HealthCheckResponse response;
  const grpc::Status status =
      grpc::internal::BlockingUnaryCall<grpc::health::v1::HealthCheckRequest,
                                        grpc::health::v1::HealthCheckResponse,
                                        google::protobuf::MessageLite,
                                        google::protobuf::MessageLite>(
          channel.get(),
          grpc::internal::RpcMethod(kCheck,
                                    grpc::internal::RpcMethod::NORMAL_RPC),
          &context, request, &response);
  if (status.ok()) return absl::OkStatus();
  return NoAnswer(
      absl::StrCat("connected, but not answered: ", status.error_message()));
}

}  // namespace sheaf::server
