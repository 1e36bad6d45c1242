// Explains of two stored runs why they are not batched together.
#pragma once

#include "absl/status/statusor.h"
#include "batching/rows/model_table.h"
#include "batching/rows/request_fields.h"
#include "queue/store.h"

namespace sheaf::batching {

// By what is known of their models. RUN_NOT_FOUND, JOB_NOT_FOUND.
absl::StatusOr<Explanation> ExplainRuns(View& view, RunId a, RunId b,
                                        const ModelTable& models);

}  // namespace sheaf::batching
