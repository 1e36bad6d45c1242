#include "cli/support/job_pages.h"

#include <algorithm>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/status.h"
#include "cli/support/flag_values.h"

namespace sheaf::cli {
namespace {

constexpr int64_t kPageSize = 1000;

}  // namespace

absl::StatusOr<std::string> EachJobPage(
    Client& client, v1::ListJobsRequest request, int64_t limit,
    const std::function<void(v1::ListJobsResponse&)>& each) {
  int64_t seen = 0;
  while (true) {
    const int64_t missing = limit == 0 ? kPageSize : limit - seen;
    request.set_page_size(static_cast<int32_t>(std::min(missing, kPageSize)));
    SHEAF_ASSIGN_OR_RETURN(auto page,
                           client.Call<v1::ListJobsResponse>(
                               "sheaf.v1.JobService/ListJobs", request));
    seen += page.jobs_size();
    request.set_page_token(page.next_page_token());
    each(page);
    const bool full = limit > 0 && seen >= limit;
    if (full || request.page_token().empty()) return request.page_token();
  }
}

absl::StatusOr<std::string> JobFilter(const std::string& filter,
                                      const std::string& state,
                                      const std::string& queue) {
  std::vector<std::string> parts;
  if (!filter.empty()) {
    // Adds parentheses only where there is more to add, so that the server's
    // messages about the filter quote it as written.
    const bool alone = state.empty() && queue.empty();
    parts.push_back(alone ? filter : absl::StrCat("(", filter, ")"));
  }
  if (!state.empty()) {
    parts.push_back(absl::StrCat("state = ", absl::AsciiStrToUpper(state)));
  }
  if (!queue.empty()) {
    SHEAF_ASSIGN_OR_RETURN(const std::string name, QueueName(queue));
    parts.push_back(absl::StrCat("queue = \"", name, "\""));
  }
  return absl::StrJoin(parts, " AND ");
}

}  // namespace sheaf::cli
