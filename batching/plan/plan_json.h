// A plan's description of itself as JSON, for the columns in which the store
// keeps it. The members are those of the messages Plan and PlanBatch in
// proto/sheaf/v1/batching_service.proto, so that the JSON reads as one of them;
// tests hold the two together. Pure.
#pragma once

#include <string>

#include "batching/plan/plan.h"
#include "batching/plan/report.h"
#include "batching/rows/rows.h"

namespace sheaf::batching {

// For PlanRecord::report.
std::string ReportJson(const PlanReport& report, int batch_size);
// For PlanBatch::info.
std::string BatchJson(const RowSet& set, const Plan& plan,
                      const PlannedBatch& batch);

}  // namespace sheaf::batching
