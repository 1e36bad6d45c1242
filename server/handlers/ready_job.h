// The way of a submit from the wire to the store: what it will take is counted
// and held first, then the job is made ready, without the store.
#pragma once

#include <memory>

#include "absl/status/statusor.h"
#include "queue/submit.h"
#include "server/admission/byte_budget.h"
#include "server/handlers/core.h"
#include "sheaf/v1/job_service.pb.h"

namespace sheaf::server {

struct ReadyJob {
  PreparedJob prepared;
  ByteBudget::Hold hold;  // as long as the store has not taken the job
};

// Everything about the request that needs no store. OVERLOADED where others
// hold too much; else as Prepare (queue/submit.h) and CheckSizes
// (picture_sizes.h).
absl::StatusOr<std::shared_ptr<const ReadyJob>> MakeReady(
    const Core& core, const sheaf::v1::SubmitJobRequest& request);

}  // namespace sheaf::server
