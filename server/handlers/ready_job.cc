#include "server/handlers/ready_job.h"

#include <random>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "server/scheduling/picture_sizes.h"
#include "server/wire/convert.h"

namespace sheaf::server {
namespace {

// Memory that a job takes beside its texts, and that a run or a value of a
// sweep takes: the request stays in memory for as long as the call.
constexpr int64_t kJobBytes = 2048;
constexpr int64_t kRunBytes = 640;

// About how many bytes it takes to make the request ready.
int64_t CostOf(const pb::SubmitJobRequest& request) {
  const pb::JobSpec& job = request.job();
  int64_t values = job.runs_size();
  if (job.has_sweep()) values += CountValues(job.sweep()).value_or(0);
  return kJobBytes + 3 * static_cast<int64_t>(request.ByteSizeLong()) +
         values * kRunBytes;
}

// Fresh randomness for the seeds of runs that name none.
uint64_t DrawEntropy() {
  thread_local std::mt19937_64 random = [] {
    std::random_device device;
    return std::mt19937_64((uint64_t{device()} << 32) | device());
  }();
  return random();
}

// The same error, its fields named as they stand in the bulk request.
absl::Status InRequest(int index, const absl::Status& status) {
  absl::Status placed =
      WithMetadata(status, "requestIndex", absl::StrCat(index));
  Violations violations = ViolationsOf(status);
  if (violations.empty()) return placed;
  for (Violation& violation : violations) {
    violation.field = absl::StrCat("requests[", index, "].", violation.field);
  }
  return WithMetadata(InvalidArgument(std::move(violations)), "requestIndex",
                      absl::StrCat(index));
}

// Refuses a request whose jobs have too many runs or bytes together.
absl::Status CheckAll(int64_t runs, int64_t bytes, const SubmitLimits& limits) {
  if (runs > kRunsPerJobMax) {
    return Error(Reason::kTooManyRuns,
                 absl::StrCat("the request has more than ", kRunsPerJobMax,
                              " runs in all"));
  }
  if (bytes > limits.job_bytes_max) {
    return Error(Reason::kJobTooLarge,
                 absl::StrCat("the values of all jobs of the request take more "
                              "than ",
                              limits.job_bytes_max, " bytes"));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::vector<Submitted>> SubmitAll(Tx& tx, const ReadyJobs& jobs,
                                                 const SubmitLimits& limits) {
  std::vector<Submitted> all;
  all.reserve(jobs.size());
  for (size_t i = 0; i < jobs.size(); ++i) {
    absl::StatusOr<Submitted> one = Submit(tx, jobs[i]->prepared, limits);
    if (!one.ok()) return InRequest(static_cast<int>(i), one.status());
    all.push_back(*std::move(one));
  }
  return all;
}

absl::StatusOr<std::shared_ptr<const ReadyJob>> JobIntake::MakeReady(
    const pb::SubmitJobRequest& request) const {
  auto ready = std::make_shared<ReadyJob>();
  SHEAF_ASSIGN_OR_RETURN(ready->hold, bytes_.Take(CostOf(request)));
  SHEAF_ASSIGN_OR_RETURN(NewJob job, FromProto(request));
  SHEAF_ASSIGN_OR_RETURN(
      ready->prepared,
      Prepare(std::move(job), DrawEntropy(), limits_, request.validate_only()));
  SHEAF_RETURN_IF_ERROR(CheckSizes(pixels_max_, workers_, ready->prepared));
  return ready;
}

absl::StatusOr<ReadyJobs> JobIntake::MakeReady(
    const pb::SubmitJobsRequest& request) const {
  ReadyJobs jobs;
  int64_t runs = 0;
  int64_t bytes = 0;
  for (int i = 0; i < request.requests_size(); ++i) {
    if (request.requests(i).validate_only()) {
      return InvalidArgument({{absl::StrCat("requests[", i, "].validate_only"),
                               "is not allowed in bulk submits"}});
    }
    auto ready = MakeReady(request.requests(i));
    if (!ready.ok()) return InRequest(i, ready.status());
    runs += (*ready)->prepared.run_count;
    bytes += (*ready)->prepared.bytes;
    SHEAF_RETURN_IF_ERROR(CheckAll(runs, bytes, limits_));
    jobs.push_back(*std::move(ready));
  }
  return jobs;
}

}  // namespace sheaf::server
