#include "tests/cli/fake_queues.h"

#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"

namespace sheaf::cli {

using grpc::Status;

FakeQueues::FakeQueues() {
  queue_.set_name("queues/default");
  queue_.set_state(v1::QUEUE_STATE_PAUSED);
  queue_.set_reason("cleaning");
}

void FakeQueues::SetState(v1::QueueState state) {
  const std::lock_guard lock(mutex_);
  queue_.set_state(state);
}

void FakeQueues::SetBatchSize(int size) {
  const std::lock_guard lock(mutex_);
  queue_.mutable_settings()->set_batch_size(size);
}

void FakeQueues::SetQueuedRuns(int count) {
  const std::lock_guard lock(mutex_);
  queue_.set_queued_run_count(count);
}

v1::UpdateQueueRequest FakeQueues::last_update() const {
  const std::lock_guard lock(mutex_);
  return update_;
}

std::string FakeQueues::last_name() const {
  const std::lock_guard lock(mutex_);
  return name_;
}

Status FakeQueues::Answer(const std::string& name, v1::Queue* response) {
  name_ = name;
  *response = queue_;
  response->set_name(name);
  return Status::OK;
}

Status FakeQueues::ListQueues(Context*, const v1::ListQueuesRequest*,
                              v1::ListQueuesResponse* response) {
  const std::lock_guard lock(mutex_);
  *response->add_queues() = queue_;
  return Status::OK;
}

Status FakeQueues::GetQueue(Context*, const v1::GetQueueRequest* request,
                            v1::Queue* response) {
  const std::lock_guard lock(mutex_);
  return Answer(request->name(), response);
}

Status FakeQueues::UpdateQueue(Context*, const v1::UpdateQueueRequest* request,
                               v1::Queue* response) {
  const std::lock_guard lock(mutex_);
  update_ = *request;
  return Answer(request->name(), response);
}

Status FakeQueues::PauseQueue(Context*, const v1::PauseQueueRequest* request,
                              v1::Queue* response) {
  const std::lock_guard lock(mutex_);
  queue_.set_state(v1::QUEUE_STATE_PAUSED);
  return Answer(request->name(), response);
}

Status FakeQueues::ResumeQueue(Context*, const v1::ResumeQueueRequest* request,
                               v1::Queue* response) {
  const std::lock_guard lock(mutex_);
  if (queue_.state() == v1::QUEUE_STATE_ACTIVE) {
    google::rpc::Status details;
    details.set_code(grpc::StatusCode::FAILED_PRECONDITION);
    google::rpc::ErrorInfo info;
    info.set_reason("QUEUE_NOT_PAUSED");
    details.add_details()->PackFrom(info);
    return Status(grpc::StatusCode::FAILED_PRECONDITION, "it is not paused",
                  details.SerializeAsString());
  }
  queue_.set_state(v1::QUEUE_STATE_ACTIVE);
  return Answer(request->name(), response);
}

Status FakeQueues::DrainQueue(Context*, const v1::DrainQueueRequest* request,
                              v1::Queue* response) {
  const std::lock_guard lock(mutex_);
  queue_.set_state(v1::QUEUE_STATE_DRAINING);
  return Answer(request->name(), response);
}

Status FakeQueues::PurgeQueue(Context*, const v1::PurgeQueueRequest* request,
                              v1::PurgeQueueResponse* response) {
  const std::lock_guard lock(mutex_);
  name_ = request->name();
  response->set_run_count(12);
  return Status::OK;
}

}  // namespace sheaf::cli
