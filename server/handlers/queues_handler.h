// QueueService on the wire.
#pragma once

#include "server/handlers/calls.h"
#include "server/scheduling/workers.h"
#include "server/wire/guarded_messages.h"
#include "sheaf/v1/queue_service.grpc.pb.h"

namespace sheaf::server {

class QueuesHandler final : public sheaf::v1::QueueService::CallbackService {
 public:
  // Borrows the registry, through which workers hear of a pause at their next
  // step.
  QueuesHandler(const Calls& calls, WorkerRegistry* workers);
  ~QueuesHandler() override;

  grpc::ServerUnaryReactor* CreateQueue(
      grpc::CallbackServerContext* context,
      const sheaf::v1::CreateQueueRequest* request,
      sheaf::v1::Queue* response) override;
  grpc::ServerUnaryReactor* GetQueue(grpc::CallbackServerContext* context,
                                     const sheaf::v1::GetQueueRequest* request,
                                     sheaf::v1::Queue* response) override;
  grpc::ServerUnaryReactor* ListQueues(
      grpc::CallbackServerContext* context,
      const sheaf::v1::ListQueuesRequest* request,
      sheaf::v1::ListQueuesResponse* response) override;
  grpc::ServerUnaryReactor* UpdateQueue(
      grpc::CallbackServerContext* context,
      const sheaf::v1::UpdateQueueRequest* request,
      sheaf::v1::Queue* response) override;
  grpc::ServerUnaryReactor* DeleteQueue(
      grpc::CallbackServerContext* context,
      const sheaf::v1::DeleteQueueRequest* request,
      sheaf::v1::DeleteQueueResponse* response) override;
  grpc::ServerUnaryReactor* PauseQueue(
      grpc::CallbackServerContext* context,
      const sheaf::v1::PauseQueueRequest* request,
      sheaf::v1::Queue* response) override;
  grpc::ServerUnaryReactor* ResumeQueue(
      grpc::CallbackServerContext* context,
      const sheaf::v1::ResumeQueueRequest* request,
      sheaf::v1::Queue* response) override;
  grpc::ServerUnaryReactor* DrainQueue(
      grpc::CallbackServerContext* context,
      const sheaf::v1::DrainQueueRequest* request,
      sheaf::v1::Queue* response) override;
  grpc::ServerUnaryReactor* PurgeQueue(
      grpc::CallbackServerContext* context,
      const sheaf::v1::PurgeQueueRequest* request,
      sheaf::v1::PurgeQueueResponse* response) override;

 private:
  const Calls calls_;
  WorkerRegistry& workers_;
};

}  // namespace sheaf::server
