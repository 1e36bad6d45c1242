#include "cli/commands/job/download.h"

#include <algorithm>
#include <filesystem>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "cli/support/transfer.h"

namespace sheaf::cli {

absl::StatusOr<v1::ListRunsResponse> AllRuns(Client& client,
                                             const std::string& job) {
  v1::ListRunsRequest request;
  request.set_job(job);
  request.set_page_size(1000);
  v1::ListRunsResponse all;
  do {
    SHEAF_ASSIGN_OR_RETURN(auto page,
                           client.Call<v1::ListRunsResponse>(
                               "sheaf.v1.JobService/ListRuns", request));
    request.set_page_token(page.next_page_token());
    for (v1::Run& run : *page.mutable_runs()) *all.add_runs() = std::move(run);
  } while (!request.page_token().empty());
  return all;
}

absl::Status CheckHoldsNoPictures(const std::string& directory) {
  namespace fs = std::filesystem;
  std::error_code error;  // no such directory, say
  for (fs::directory_iterator at(directory, error), end; !error && at != end;
       at.increment(error)) {
    const std::string name = at->path().filename();
    if (!absl::StartsWith(name, "run-")) continue;
    return absl::AlreadyExistsError(
        absl::StrCat(directory, " holds pictures already (", name,
                     "): name another directory, or add --force"));
  }
  return absl::OkStatus();
}

absl::Status DownloadOutputs(
    Context& context, const std::string& job, const std::string& directory,
    bool overwrite, const std::function<void(const std::string&)>& each) {
  SHEAF_ASSIGN_OR_RETURN(Client * client, context.Connect());
  SHEAF_ASSIGN_OR_RETURN(const auto runs, AllRuns(*client, job));
  SHEAF_ASSIGN_OR_RETURN(OutputDirectory files,
                         OutputDirectory::Open(directory));
  int count = 0;
  for (const v1::Run& run : runs.runs()) {
    std::vector<std::string> taken;
    for (const v1::Output& output : run.outputs()) {
      std::string name = OutputFileName(run.index(), output);
      // Two outputs of one run may have the same name.
      if (std::find(taken.begin(), taken.end(), name) != taken.end()) {
        name = absl::StrCat(taken.size(), "-", name);
      }
      taken.push_back(name);
      SHEAF_RETURN_IF_ERROR(
          files.Download(*client, output.artifact(), name, overwrite));
      each(absl::StrCat(directory, "/", name));
      ++count;
    }
  }
  context.Say(absl::StrCat(count, count == 1 ? " picture of " : " pictures of ",
                           job, " in ", directory, "."));
  return absl::OkStatus();
}

}  // namespace sheaf::cli
