// Prepares a submit from the wire for the store: first counts and holds the
// memory that it will take, then makes the job ready, without the store.
#pragma once

#include <memory>
#include <vector>

#include "absl/status/statusor.h"
#include "queue/submit.h"
#include "server/admission/byte_budget.h"
#include "server/scheduling/workers.h"
#include "sheaf/v1/job_service.pb.h"

namespace sheaf::server {

struct ReadyJob {
  PreparedJob prepared;
  ByteBudget::Hold hold;  // as long as the store has not taken the job
};
using ReadyJobs = std::vector<std::shared_ptr<const ReadyJob>>;

// Stores all of them. The errors are those of Submit (queue/submit.h), which
// name the job and its fields as they stand in the request.
absl::StatusOr<std::vector<Submitted>> SubmitAll(Tx& tx, const ReadyJobs& jobs,
                                                 const SubmitLimits& limits);

// Makes jobs ready. Borrows the budget and the registry; any thread.
class JobIntake {
 public:
  // `pixels_max`: most pixels of a picture; 0: any number.
  JobIntake(ByteBudget* bytes, const WorkerRegistry* workers,
            SubmitLimits limits, int64_t pixels_max)
      : bytes_(*bytes),
        workers_(*workers),
        limits_(limits),
        pixels_max_(pixels_max) {}

  const SubmitLimits& limits() const { return limits_; }

  // Does everything about the request that needs no store. OVERLOADED where
  // other calls hold too much; the other errors are those of Prepare
  // (queue/submit.h) and CheckSizes (picture_sizes.h).
  absl::StatusOr<std::shared_ptr<const ReadyJob>> MakeReady(
      const sheaf::v1::SubmitJobRequest& request) const;
  // The same for all jobs of a bulk submit. TOO_MANY_RUNS and JOB_TOO_LARGE
  // where they have too many runs or bytes together; errors name the job and
  // its fields as they stand in the request.
  absl::StatusOr<ReadyJobs> MakeReady(
      const sheaf::v1::SubmitJobsRequest& request) const;

 private:
  ByteBudget& bytes_;
  const WorkerRegistry& workers_;
  const SubmitLimits limits_;
  const int64_t pixels_max_;
};

}  // namespace sheaf::server
