// Lists of jobs, page after page. Blocks; one thread.
#pragma once

#include <functional>
#include <string>

#include "absl/status/statusor.h"
#include "cli/support/client.h"
#include "sheaf/v1/job_service.pb.h"

namespace sheaf::cli {

// The filter that --filter, --state and --queue ask for together.
absl::StatusOr<std::string> JobFilter(const std::string& filter,
                                      const std::string& state,
                                      const std::string& queue);

// Hands the pages of ListJobs to `each`, `limit` jobs in all (0: every one).
// Answers the token of the remaining jobs, empty where none remain.
absl::StatusOr<std::string> EachJobPage(
    Client& client, v1::ListJobsRequest request, int64_t limit,
    const std::function<void(v1::ListJobsResponse&)>& each);

}  // namespace sheaf::cli
