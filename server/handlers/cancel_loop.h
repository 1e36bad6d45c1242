// CancelJob by a filter: what matches is looked for on a reader, page by page;
// the writer only cancels jobs by their ids, if they match still, in slices.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "queue/job_lists.h"
#include "queue/jobs.h"
#include "server/handlers/sliced_call.h"

namespace sheaf::server {

class CancelLoop : public std::enable_shared_from_this<CancelLoop> {
 public:
  // Answers with the sums of all.
  using Answer = absl::AnyInvocable<void(const CancelCounts&)>;

  // With `rehearsal` nothing is cancelled, and the writer not asked.
  CancelLoop(Core* core, grpc::CallbackServerContext* context,
             FilterExpr filter, CancelOptions options, bool rehearsal,
             Answer answer);

  grpc::ServerUnaryReactor* Start();

 private:
  // Looks for the next jobs.
  void Scan();
  void Scanned(const absl::Status& status);
  // Cancels the next slice of the jobs found.
  void Cancel();
  void Cancelled(const absl::Status& status);
  // A page is done with.
  void Next();
  void Add(const CancelCounts& counts);
  void End(const absl::Status& status);

  Core& core_;
  grpc::CallbackServerContext& context_;
  grpc::ServerUnaryReactor* const reactor_;
  const FilterExpr filter_;
  const CancelOptions options_;
  const bool rehearsal_;
  Answer answer_;
  std::optional<JobId> after_;
  JobPage page_;
  std::vector<JobId> jobs_;  // of the page, those that live
  // Where the next slice begins, and what the last one did.
  struct Place {
    size_t job = 0;
    std::optional<RunId> run;
    bool counted = false;  // the job, by an earlier slice
  };
  Place place_;
  Place place_after_;
  CancelCounts done_;
  CancelCounts total_;
};

}  // namespace sheaf::server
