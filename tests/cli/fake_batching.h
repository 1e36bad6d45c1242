// A BatchingService in miniature: it answers what it was told to, and records
// the requests. Any thread.
#pragma once

#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "sheaf/v1/batching_service.grpc.pb.h"

namespace sheaf::cli {

class FakeBatching : public v1::BatchingService::Service {
 public:
  // The plan that the next analyses find; none at first.
  void SetPlan(const v1::Plan& plan, const std::vector<v1::PlanBatch>& batches);
  // Analyses after so many fail, so that a command that repeats them ends.
  void LimitAnalyses(int count);
  void SetProfile(const v1::BatchProfile& profile);

  std::vector<v1::AnalyzeQueueRequest> analyses() const;
  std::vector<v1::AnalyzeAndExecuteRequest> executions() const;

 private:
  using Context = grpc::ServerContext;

  grpc::Status AnalyzeQueue(Context* context,
                            const v1::AnalyzeQueueRequest* request,
                            v1::AnalyzeQueueResponse* response) override;
  grpc::Status AnalyzeAndExecute(
      Context* context, const v1::AnalyzeAndExecuteRequest* request,
      v1::AnalyzeAndExecuteResponse* response) override;
  // One batch a page.
  grpc::Status ListPlanBatches(Context* context,
                               const v1::ListPlanBatchesRequest* request,
                               v1::ListPlanBatchesResponse* response) override;
  grpc::Status ListPlans(Context* context, const v1::ListPlansRequest* request,
                         v1::ListPlansResponse* response) override;
  grpc::Status GetBatchProfile(Context* context,
                               const v1::GetBatchProfileRequest* request,
                               v1::BatchProfile* response) override;

  mutable std::mutex mutex_;
  std::optional<v1::Plan> plan_;
  std::vector<v1::PlanBatch> batches_;
  v1::BatchProfile profile_;
  int analyses_left_ = -1;  // no limit
  std::vector<v1::AnalyzeQueueRequest> analyses_;
  std::vector<v1::AnalyzeAndExecuteRequest> executions_;
};

}  // namespace sheaf::cli
