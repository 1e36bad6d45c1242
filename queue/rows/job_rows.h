// The rows of jobs: what is asked of a store about them, and how they change.
//
// The headers of this folder have one noun each, read and written. View and Tx
// (queue/store.h) are made of them, and a store can be written one by one.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "queue/filter.h"
#include "queue/params.h"
#include "queue/types.h"

namespace sheaf {

// Jobs by id, newest or oldest first, from `after` (exclusive) on, through
// `through`.
struct JobQuery {
  const FilterExpr* filter = nullptr;  // all where null
  std::optional<JobId> after;
  std::optional<JobId> through;
  bool ascending = false;
  int limit = 50;
};

class JobReads {
 public:
  virtual ~JobReads() = default;

  virtual std::optional<Job> FindJob(JobId id) = 0;
  virtual JobId LastJob() = 0;  // the last id given out; 0 where none was
  virtual std::vector<Job> Jobs(const JobQuery& query) = 0;
  virtual RunParams SharedParams(JobId id) = 0;
  // Ended jobs whose retention is over.
  virtual std::vector<JobId> Expired(absl::Time by, int limit) = 0;
};

class JobWrites {
 public:
  virtual ~JobWrites() = default;

  // Stores a job with its runs; gives it its id. `runs[i]` carries state,
  // lane, times; its own params are `own[i]`, as Encode writes them.
  virtual JobId InsertJob(const Job& job, const std::string& shared,
                          std::vector<Run> runs,
                          const std::vector<std::string>& own) = 0;
  // Changes the job's counts, version and times as Advance says
  // (queue/job_progress.h). Answers the counts after.
  virtual RunCounts ApplyToJob(JobId id, const RunCounts& delta,
                               const QueueSettings& keep) = 0;
  virtual void SaveJob(const Job& job) = 0;  // all but counts
  // Deletes the job with all that belongs to it. Keeps the request that made
  // it, as that of a job that was deleted now.
  virtual void DeleteJob(JobId id) = 0;
};

}  // namespace sheaf
