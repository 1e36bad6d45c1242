// Plans on the wire. The store keeps a plan's own description as JSON
// (batching/plan/plan_json.h), which is parsed as the wire's messages.
#pragma once

#include "batching/plan/plan.h"
#include "batching/pricing/calibration.h"
#include "batching/pricing/work_kind.h"
#include "queue/plan.h"
#include "sheaf/v1/batching_service.pb.h"

namespace sheaf::server {

namespace pb = sheaf::v1;

void ToProto(const PlanRecord& plan, pb::Plan* out);
void ToProto(const PlanTimes& times, pb::Plan* out);
void ToProto(const batching::WorkKind& kind,
             const batching::Calibration& calibration,
             pb::WorkCalibration* out);
// Fills all but weights_list, which comes from the runs' requests
// (plan_answers.h).
void ToProto(const PlanBatch& batch, pb::PlanBatch* out);

}  // namespace sheaf::server
