// The ways in which clients use jobs after submitting them: find, cancel,
// retry, change, delete.
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
absl::StatusOr<Job> FindJobOrError(JobReads& jobs, JobId id);
absl::StatusOr<Run> FindRunOrError(View& view, RunId id);

// The most runs of a job that one transaction changes, so that others get their
// turn in between.
inline constexpr int kRunsPerSlice = 1000;

struct CancelOptions {
  bool keep_running = false;
  std::string reason;
};
struct CancelCounts {
  int64_t jobs = 0;
  int64_t cancelled = 0;  // ended now
  int64_t stopping = 0;   // running, told to stop
};
// Counts the runs that a cancel of the job, or run, would change. JOB_NOT_FOUND
// / RUN_NOT_FOUND; JOB_ALREADY_FINISHED where nothing is left to cancel.
absl::StatusOr<CancelCounts> WouldCancel(View& view, JobId id,
                                         bool keep_running);
absl::StatusOr<CancelCounts> WouldCancel(View& view, RunId id,
                                         bool keep_running);

// The part of a job's cancel that was done, and the first run that may still be
// left to do; none at its end.
struct CancelSlice {
  CancelCounts counts;  // `jobs` is 1 where it did anything
  std::optional<RunId> next;
};
// Cancels runs of the job, from `from` on (none: its first): waiting ones end
// now; running ones carry a mark that their worker, or recovery, honours. With
// a `filter` only if the job is there and matches. JOB_NOT_FOUND.
absl::StatusOr<CancelSlice> CancelSome(Tx& tx, JobId id,
                                       std::optional<RunId> from,
                                       const CancelOptions& options,
                                       const FilterExpr* filter = nullptr,
                                       int limit = kRunsPerSlice);
// All of it in one transaction; JOB_ALREADY_FINISHED, *_NOT_FOUND.
absl::StatusOr<CancelCounts> CancelJob(Tx& tx, JobId id,
                                       const CancelOptions& options);
absl::StatusOr<CancelCounts> CancelRun(Tx& tx, RunId id,
                                       const CancelOptions& options);
absl::Status AlreadyFinished(const std::string& name, bool keep_running);

// Failed and cancelled runs of the job (or the one run) go back in line under
// the same ids, with fresh attempts. NOTHING_TO_RETRY, QUEUE_DRAINING,
// QUEUE_FULL, *_NOT_FOUND. Answers how many. RetrySome begins only where there
// is room for all of them.
struct RetrySlice {
  int count = 0;
  std::optional<RunId> next;
};
absl::StatusOr<RetrySlice> RetrySome(Tx& tx, JobId id,
                                     std::optional<RunId> from,
                                     int limit = kRunsPerSlice);
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
// ETAG_MISMATCH. A patch that changes nothing leaves no trace.
absl::StatusOr<Job> UpdateJob(Tx& tx, JobId id, const JobPatch& patch);

// JOB_NOT_FINISHED while any run lives; ETAG_MISMATCH (0: any version).
absl::Status DeleteJob(Tx& tx, JobId id, int64_t version);

// How many waiting runs go before the first of `job` (among its first 1,000
// that wait), counted up to 100,000; nullopt where none waits, and where runs
// wait in more than 1,000 lanes.
std::optional<int64_t> PositionOf(View& view, const Job& job);

}  // namespace sheaf
