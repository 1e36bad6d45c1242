#include "server/handlers/ready_job.h"

#include <random>

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

}  // namespace

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

}  // namespace sheaf::server
