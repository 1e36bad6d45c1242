// Plans on the wire, and the JSON in which the store keeps what a plan said of
// itself (that of the messages of batching_service.proto).
#pragma once

#include <string>

#include "batching/report.h"
#include "queue/plan.h"
#include "queue/store.h"
#include "server/batch_meter.h"
#include "sheaf/v1/batching_service.pb.h"

namespace sheaf::server {

namespace pb = sheaf::v1;

// "strict", "mixed", "best", as stored.
std::string ModeName(batching::Mode mode);

// For PlanRecord::report.
std::string ReportJson(const batching::PlanReport& report, int batch_size);
// For PlanBatch::info.
std::string BatchJson(const batching::RowSet& set, const batching::Plan& plan,
                      const batching::PlannedBatch& batch);

void ToProto(const PlanRecord& plan, pb::Plan* out);
void ToProto(const PlanTimes& times, pb::Plan* out);
void ToProto(const WorkKind& kind, const batching::Calibration& calibration,
             pb::WorkCalibration* out);
// All but weights_list, which is in the runs' requests.
void ToProto(const PlanBatch& batch, pb::PlanBatch* out);

// The weights of each run of a batch: every control that any of them uses, 0
// where a run does not use it.
void FillWeights(View& view, const PlanBatch& batch, pb::PlanBatch* out);

}  // namespace sheaf::server
