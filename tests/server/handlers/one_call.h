// A server in this process with one method, which the test handles: for tests
// of the parts that handlers are made of.
#pragma once

#include <grpcpp/grpcpp.h>

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <utility>

#include "absl/synchronization/notification.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "server/admission/change_limit.h"
#include "server/handlers/calls.h"
#include "server/wire/guarded_messages.h"
#include "sheaf/v1/queue_service.grpc.pb.h"
#include "tests/queue/memory_store.h"

namespace sheaf::server {

class OneCallTest : public ::testing::Test {
 protected:
  using Handler = std::function<grpc::ServerUnaryReactor*(
      grpc::CallbackServerContext*, const v1::GetQueueRequest*, v1::Queue*)>;

  OneCallTest() {
    grpc::ServerBuilder builder;
    builder.RegisterService(&service_);
    server_ = builder.BuildAndStart();
    stub_ = v1::QueueService::NewStub(server_->InProcessChannel({}));
    request_.set_name("queues/night");
  }
  ~OneCallTest() override { Shutdown(); }

  // Calls the method once, with `request_` and `client_`.
  grpc::Status Call(Handler handler) {
    service_.handler = std::move(handler);
    return stub_->GetQueue(client_.get(), request_, &response_);
  }
  // The same, and waits until the server is done with the call: the client may
  // have left before.
  grpc::Status CallToItsEnd(Handler handler) {
    const grpc::Status status = Call(std::move(handler));
    Shutdown();
    return status;
  }
  // Leaves the call that is being handled, and waits until the server knows.
  void Leave(const grpc::CallbackServerContext* context) {
    client_->TryCancel();
    while (!context->IsCancelled()) std::this_thread::yield();
  }
  void Shutdown() {
    if (server_ == nullptr) return;
    server_->Shutdown();
    server_->Wait();
    server_ = nullptr;
  }

  TestClock clock_;
  MemoryStore store_{&clock_};
  std::atomic<bool> stopping_ = false;
  ChangeLimit changes_{/*per_second=*/1,
                       [] { return std::chrono::steady_clock::time_point(); }};
  const Door door_{&stopping_, &changes_};
  v1::GetQueueRequest request_;
  v1::Queue response_;
  std::unique_ptr<grpc::ClientContext> client_ =
      std::make_unique<grpc::ClientContext>();

 private:
  struct Service final : public v1::QueueService::CallbackService {
    grpc::ServerUnaryReactor* GetQueue(grpc::CallbackServerContext* context,
                                       const v1::GetQueueRequest* request,
                                       v1::Queue* response) override {
      return handler(context, request, response);
    }
    Handler handler;
  };

  Service service_;
  std::unique_ptr<grpc::Server> server_;
  std::unique_ptr<v1::QueueService::Stub> stub_;
};

}  // namespace sheaf::server
