// A server of gRPC that answers for its health and nothing else.
#pragma once

#include <grpcpp/generic/async_generic_service.h>
#include <grpcpp/grpcpp.h>
#include <grpcpp/health_check_service_interface.h>
#include <unistd.h>

#include <memory>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

namespace sheaf::server {

// The address of a socket file of this process's own.
inline std::string SocketAddress(const std::string& name) {
  return absl::StrCat("unix:/tmp/sheaf-test-", getpid(), "-", name);
}

class HealthServer {
 public:
  // Listens on `address`: a socket file's, or "127.0.0.1:0" for a port of the
  // system's choice.
  explicit HealthServer(const std::string& address) : address_(address) {
    grpc::EnableDefaultHealthCheckService(true);
    int port = 0;
    grpc::ServerBuilder builder;
    builder.AddListeningPort(address, grpc::InsecureServerCredentials(), &port);
    builder.RegisterCallbackGenericService(&other_calls_);
    server_ = builder.BuildAndStart();
    EXPECT_NE(server_, nullptr) << address;
    if (!absl::StartsWith(address, "unix:")) {
      address_ = absl::StrCat("127.0.0.1:", port);
    }
  }
  ~HealthServer() {
    server_->Shutdown();
    server_->Wait();
  }

  const std::string& address() const { return address_; }
  void SetServing(bool serving) const {
    server_->GetHealthCheckService()->SetServingStatus(serving);
  }

 private:
  std::string address_;
  grpc::CallbackGenericService other_calls_;  // refuses them
  std::unique_ptr<grpc::Server> server_;
};

}  // namespace sheaf::server
