// A QueueService in miniature with one queue, queues/default, which is paused
// at first. It records the requests. Any thread.
#pragma once

#include <mutex>
#include <string>

#include "sheaf/v1/queue_service.grpc.pb.h"

namespace sheaf::cli {

class FakeQueues : public v1::QueueService::Service {
 public:
  FakeQueues();

  void SetState(v1::QueueState state);
  void SetBatchSize(int size);
  void SetQueuedRuns(int count);

  v1::UpdateQueueRequest last_update() const;
  // The name in the last request for one queue.
  std::string last_name() const;

 private:
  using Context = grpc::ServerContext;

  grpc::Status ListQueues(Context* context,
                          const v1::ListQueuesRequest* request,
                          v1::ListQueuesResponse* response) override;
  grpc::Status GetQueue(Context* context, const v1::GetQueueRequest* request,
                        v1::Queue* response) override;
  grpc::Status UpdateQueue(Context* context,
                           const v1::UpdateQueueRequest* request,
                           v1::Queue* response) override;
  grpc::Status PauseQueue(Context* context,
                          const v1::PauseQueueRequest* request,
                          v1::Queue* response) override;
  // QUEUE_NOT_PAUSED if the queue is active.
  grpc::Status ResumeQueue(Context* context,
                           const v1::ResumeQueueRequest* request,
                           v1::Queue* response) override;
  grpc::Status DrainQueue(Context* context,
                          const v1::DrainQueueRequest* request,
                          v1::Queue* response) override;
  grpc::Status PurgeQueue(Context* context,
                          const v1::PurgeQueueRequest* request,
                          v1::PurgeQueueResponse* response) override;
  // The queue, which is asked for by this name.
  grpc::Status Answer(const std::string& name, v1::Queue* response);

  mutable std::mutex mutex_;
  v1::Queue queue_;
  std::string name_;
  v1::UpdateQueueRequest update_;
};

}  // namespace sheaf::cli
