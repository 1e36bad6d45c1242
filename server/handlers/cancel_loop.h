// CancelJob by a filter: a reader looks for matching jobs, page by page; the
// writer only cancels jobs by their ids, in slices, if they still match.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "queue/job_lists.h"
#include "queue/jobs.h"
#include "server/handlers/calls.h"

namespace sheaf::server {

class CancelLoop : public std::enable_shared_from_this<CancelLoop> {
 public:
  // Fills the response with the sums over all jobs.
  using Answer = absl::AnyInvocable<void(const CancelCounts&)>;

  // With `rehearsal` nothing is cancelled, and the writer is not asked.
  CancelLoop(const Calls& calls, grpc::CallbackServerContext* context,
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
  // Goes on after a page is done.
  void Next();
  void Add(const CancelCounts& counts);
  void End(const absl::Status& status);

  const Calls calls_;
  grpc::CallbackServerContext& context_;
  grpc::ServerUnaryReactor* const reactor_;
  const FilterExpr filter_;
  const CancelOptions options_;
  const bool rehearsal_;
  Answer answer_;
  std::optional<JobId> after_;
  JobPage page_;
  std::vector<JobId> jobs_;  // of the page, those that live
  // The place where a slice begins.
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
