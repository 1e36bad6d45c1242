// What clients do to jobs after submitting them: find, cancel, retry, change,
// delete.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "queue/error.h"
#include "queue/filter.h"
#include "queue/store.h"

namespace sheaf {

// JOB_NOT_FOUND, RUN_NOT_FOUND. The words tell an id that once was a job from
// one that never was.
absl::StatusOr<Job> FindJobOrError(View& view, JobId id);
absl::StatusOr<Run> FindRunOrError(View& view, RunId id);

struct CancelOptions {
  bool keep_running = false;
  bool validate_only = false;
  std::string reason;
};
struct CancelCounts {
  int64_t jobs = 0;
  int64_t cancelled = 0;  // ended now
  int64_t stopping = 0;   // running, told to stop
};
// Waiting runs end now; running ones carry a mark that their worker, or
// recovery, honours. JOB_NOT_FOUND / RUN_NOT_FOUND; JOB_ALREADY_FINISHED where
// nothing was left to cancel.
absl::StatusOr<CancelCounts> CancelJob(Tx& tx, JobId id,
                                       const CancelOptions& options);
absl::StatusOr<CancelCounts> CancelRun(Tx& tx, RunId id,
                                       const CancelOptions& options);
// The next jobs that match, from `after` on; `next` is empty after the last.
// One call changes `runs_max` runs at the most, give or take one job.
struct CancelPage {
  CancelCounts counts;
  std::optional<JobId> next;
};
CancelPage CancelMatching(Tx& tx, const FilterExpr& filter,
                          std::optional<JobId> after,
                          const CancelOptions& options, int runs_max);

// Failed and cancelled runs of the job (or the one run) go back in line under
// the same ids, with fresh attempts. NOTHING_TO_RETRY, QUEUE_DRAINING,
// QUEUE_FULL, *_NOT_FOUND. Answers how many.
absl::StatusOr<int> RetryJob(Tx& tx, JobId id);
absl::StatusOr<int> RetryRun(Tx& tx, RunId id);

struct JobPatch {
  int64_t version = 0;  // 0: any
  std::optional<Priority> priority;
  std::optional<std::map<std::string, std::string>> labels;
  std::optional<absl::Time> run_time;
  std::optional<absl::Time> start_deadline;
};
// Labels may change at any time, the rest while runs wait (JOB_NOT_WAITING);
// ETAG_MISMATCH.
absl::StatusOr<Job> UpdateJob(Tx& tx, JobId id, const JobPatch& patch);

// JOB_NOT_FINISHED while any run lives; ETAG_MISMATCH (0: any version).
absl::Status DeleteJob(Tx& tx, JobId id, int64_t version);

// How many waiting runs go before the first of `job` (among its first 1,000
// that wait), counted up to 100,000; nullopt where none waits.
std::optional<int64_t> PositionOf(View& view, const Job& job);

}  // namespace sheaf
