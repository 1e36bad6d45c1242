// Answers about plans on the wire: each use case's result becomes the response
// of its method.
#pragma once

#include <string>

#include "batching/plan/plan_page.h"
#include "batching/rows/request_fields.h"
#include "queue/plans.h"
#include "server/scheduling/plan_service.h"
#include "server/use_cases/analyze_and_execute.h"
#include "server/use_cases/batch_profile.h"
#include "sheaf/v1/batching_service.pb.h"

namespace sheaf::server {

void ToProto(const PlanService::Analysis& analysis,
             sheaf::v1::AnalyzeQueueResponse* out);
void ToProto(const AnalyzedAndExecuted& done,
             sheaf::v1::AnalyzeAndExecuteResponse* out);
void ToProto(const PlanWithTimes& plan, sheaf::v1::Plan* out);
// `question`: what the token of the next page is bound to (page_token.h).
void ToProto(const PlanPage& page, const std::string& question,
             sheaf::v1::ListPlansResponse* out);
void ToProto(const batching::PlanBatchPage& page, const std::string& question,
             sheaf::v1::ListPlanBatchesResponse* out);
void ToProto(const Executed& executed, sheaf::v1::ExecutePlanResponse* out);
void ToProto(const batching::Explanation& explanation,
             sheaf::v1::ExplainRunResponse* out);
void ToProto(const BatchProfile& profile, sheaf::v1::BatchProfile* out);

}  // namespace sheaf::server
