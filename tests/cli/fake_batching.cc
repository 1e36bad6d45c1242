#include "tests/cli/fake_batching.h"

namespace sheaf::cli {

using grpc::Status;

void FakeBatching::SetPlan(const v1::Plan& plan,
                           const std::vector<v1::PlanBatch>& batches) {
  const std::lock_guard lock(mutex_);
  plan_ = plan;
  batches_ = batches;
}

void FakeBatching::LimitAnalyses(int count) {
  const std::lock_guard lock(mutex_);
  analyses_left_ = count;
}

void FakeBatching::SetProfile(const v1::BatchProfile& profile) {
  const std::lock_guard lock(mutex_);
  profile_ = profile;
}

std::vector<v1::AnalyzeQueueRequest> FakeBatching::analyses() const {
  const std::lock_guard lock(mutex_);
  return analyses_;
}

std::vector<v1::AnalyzeAndExecuteRequest> FakeBatching::executions() const {
  const std::lock_guard lock(mutex_);
  return executions_;
}

Status FakeBatching::AnalyzeQueue(Context*,
                                  const v1::AnalyzeQueueRequest* request,
                                  v1::AnalyzeQueueResponse* response) {
  const std::lock_guard lock(mutex_);
  if (analyses_left_-- == 0) {
    return Status(grpc::StatusCode::INTERNAL, "enough");
  }
  analyses_.push_back(*request);
  if (!plan_) {
    response->set_message("No batchable jobs found: the queue is empty");
    return Status::OK;
  }
  *response->mutable_plan() = *plan_;
  if (request->validate_only()) {
    response->mutable_plan()->clear_name();
    for (const auto& batch : batches_) *response->add_batches() = batch;
  }
  return Status::OK;
}

Status FakeBatching::AnalyzeAndExecute(
    Context*, const v1::AnalyzeAndExecuteRequest* request,
    v1::AnalyzeAndExecuteResponse* response) {
  const std::lock_guard lock(mutex_);
  executions_.push_back(*request);
  if (!plan_) {
    response->set_message("No batchable jobs found");
    return Status::OK;
  }
  *response->mutable_plan() = *plan_;
  const double least =
      request->has_min_speedup() ? request->min_speedup() : 1.1;
  response->set_executed(plan_->speedup() >= least);
  response->set_message(response->executed() ? "Queue reorganized successfully"
                                             : "Too small a gain");
  return Status::OK;
}

Status FakeBatching::ListPlanBatches(Context*,
                                     const v1::ListPlanBatchesRequest* request,
                                     v1::ListPlanBatchesResponse* response) {
  const std::lock_guard lock(mutex_);
  const size_t at =
      request->page_token().empty() ? 0 : std::stoul(request->page_token());
  if (at < batches_.size()) *response->add_batches() = batches_[at];
  if (at + 1 < batches_.size()) {
    response->set_next_page_token(std::to_string(at + 1));
  }
  return Status::OK;
}

Status FakeBatching::ListPlans(Context*, const v1::ListPlansRequest*,
                               v1::ListPlansResponse* response) {
  const std::lock_guard lock(mutex_);
  if (plan_) *response->add_plans() = *plan_;
  return Status::OK;
}

Status FakeBatching::GetBatchProfile(Context*,
                                     const v1::GetBatchProfileRequest*,
                                     v1::BatchProfile* response) {
  const std::lock_guard lock(mutex_);
  *response = profile_;
  return Status::OK;
}

}  // namespace sheaf::cli
