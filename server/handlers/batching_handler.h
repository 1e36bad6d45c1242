// BatchingService on the wire.
#pragma once

#include "server/handlers/calls.h"
#include "server/scheduling/learned_figures.h"
#include "server/scheduling/memory_board.h"
#include "server/scheduling/plan_service.h"
#include "server/scheduling/prices_board.h"
#include "server/scheduling/workers.h"
#include "server/wire/guarded_messages.h"
#include "sheaf/v1/batching_service.grpc.pb.h"

namespace sheaf::server {

class BatchingHandler final
    : public sheaf::v1::BatchingService::CallbackService {
 public:
  // Borrows all of them. `page_bytes_max`: most bytes of one answer that is a
  // list.
  BatchingHandler(const Calls& calls, PlanService* plan_service,
                  const PricesBoard* prices, const MemoryBoard* memory,
                  LearnedFigures* learned, const WorkerRegistry* workers,
                  int64_t page_bytes_max);
  ~BatchingHandler() override;

  grpc::ServerUnaryReactor* AnalyzeQueue(
      grpc::CallbackServerContext* context,
      const sheaf::v1::AnalyzeQueueRequest* request,
      sheaf::v1::AnalyzeQueueResponse* response) override;
  grpc::ServerUnaryReactor* GetPlan(grpc::CallbackServerContext* context,
                                    const sheaf::v1::GetPlanRequest* request,
                                    sheaf::v1::Plan* response) override;
  grpc::ServerUnaryReactor* ListPlans(
      grpc::CallbackServerContext* context,
      const sheaf::v1::ListPlansRequest* request,
      sheaf::v1::ListPlansResponse* response) override;
  grpc::ServerUnaryReactor* ListPlanBatches(
      grpc::CallbackServerContext* context,
      const sheaf::v1::ListPlanBatchesRequest* request,
      sheaf::v1::ListPlanBatchesResponse* response) override;
  grpc::ServerUnaryReactor* ExecutePlan(
      grpc::CallbackServerContext* context,
      const sheaf::v1::ExecutePlanRequest* request,
      sheaf::v1::ExecutePlanResponse* response) override;
  grpc::ServerUnaryReactor* AnalyzeAndExecute(
      grpc::CallbackServerContext* context,
      const sheaf::v1::AnalyzeAndExecuteRequest* request,
      sheaf::v1::AnalyzeAndExecuteResponse* response) override;
  grpc::ServerUnaryReactor* UndoPlan(grpc::CallbackServerContext* context,
                                     const sheaf::v1::UndoPlanRequest* request,
                                     sheaf::v1::Plan* response) override;
  grpc::ServerUnaryReactor* ExplainRun(
      grpc::CallbackServerContext* context,
      const sheaf::v1::ExplainRunRequest* request,
      sheaf::v1::ExplainRunResponse* response) override;
  grpc::ServerUnaryReactor* GetBatchProfile(
      grpc::CallbackServerContext* context,
      const sheaf::v1::GetBatchProfileRequest* request,
      sheaf::v1::BatchProfile* response) override;
  grpc::ServerUnaryReactor* ForgetLearned(
      grpc::CallbackServerContext* context,
      const sheaf::v1::ForgetLearnedRequest* request,
      sheaf::v1::ForgetLearnedResponse* response) override;

 private:
  const Calls calls_;
  PlanService& plan_service_;
  const PricesBoard& prices_;
  const MemoryBoard& memory_;
  LearnedFigures& learned_;
  const WorkerRegistry& workers_;
  const int64_t page_bytes_max_;
};

}  // namespace sheaf::server
