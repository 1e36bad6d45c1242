// The pictures of a job, as files. Blocks; one thread.
#pragma once

#include <functional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "cli/support/context.h"
#include "sheaf/v1/job_service.pb.h"

namespace sheaf::cli {

// Every run of the job, page after page.
absl::StatusOr<v1::ListRunsResponse> AllRuns(Client& client,
                                             const std::string& job);

// ALREADY_EXISTS if the directory holds pictures of a job: those of another one
// would want their names.
absl::Status CheckHoldsNoPictures(const std::string& directory);

// Writes the outputs of all runs into the directory, as run-INDEX-NAME.ext, and
// hands each path to `each`. A file that is there with the same bytes stays, so
// a download that was broken off goes on; one with other bytes is an error
// unless `overwrite`.
absl::Status DownloadOutputs(
    Context& context, const std::string& job, const std::string& directory,
    bool overwrite, const std::function<void(const std::string&)>& each);

}  // namespace sheaf::cli
