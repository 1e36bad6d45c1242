// Reads jobs and runs for clients: their rows in the store, with the facts that
// are known only while they run.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "queue/job_lists.h"
#include "queue/plan.h"
#include "queue/store.h"
#include "server/telemetry/previews.h"
#include "server/telemetry/progress.h"
#include "server/telemetry/queue_throughput.h"

namespace sheaf::server {

struct RunDetails {
  Run run;
  RunParams params;               // the job's shared values and its own
  std::vector<Attempt> attempts;  // ended ones, where they were asked for
  bool has_attempts = false;
  std::optional<PlanBatch> planned;      // the batch of a plan that it waits in
  std::optional<StepProgress> progress;  // while it runs
};

struct JobDetails {
  Job job;
  std::optional<int64_t> position;  // waiting runs before its first
  // At the queue's recent throughput; none where that is not known.
  std::optional<absl::Duration> per_run;
  std::optional<absl::Time> eta;
  bool is_full = false;  // shared values and runs are filled in
  RunParams shared;
  std::vector<RunDetails> runs;  // the first of them
};

// Runs of one job, and the run after which the list goes on; none at its end.
struct RunPage {
  std::vector<RunDetails> runs;
  std::optional<RunId> next;
};

// Borrows all its parts. Any thread.
class JobReader {
 public:
  struct Parts {
    const ProgressBoard* progress = nullptr;
    const PreviewBoard* previews = nullptr;
    const QueueThroughput* throughput = nullptr;
    std::function<absl::Time()> now;
    int64_t page_bytes_max = 0;  // of one answer that is a list
  };
  explicit JobReader(Parts parts) : parts_(std::move(parts)) {}

  // A `full` answer has the shared values and the first 100 runs, or as many of
  // them as one page takes. JOB_NOT_FOUND.
  absl::StatusOr<JobDetails> ReadJob(View& view, JobId id, bool full) const;
  // The jobs that `query` names, as many of them as one page takes.
  absl::StatusOr<JobPage> ListJobs(View& view, const JobQuery& query) const;
  // RUN_NOT_FOUND
  absl::StatusOr<RunDetails> ReadRun(View& view, RunId id) const;
  // Runs of `job`, without attempts. A page stops at its bytes, whatever the
  // query's limit is, but has at least one run. JOB_NOT_FOUND.
  absl::StatusOr<RunPage> ListRuns(View& view, JobId job,
                                   const RunQuery& query) const;
  // RUN_NOT_FOUND; PREVIEW_NOT_FOUND, with the reason why there is none.
  absl::StatusOr<RunPreview> ReadPreview(View& view, RunId id) const;

 private:
  RunDetails DetailsOf(View& view, Run run, const RunParams& shared,
                       PlanId plan, bool attempts) const;
  RunPage PageOf(View& view, JobId job, const RunQuery& query,
                 bool attempts) const;

  const Parts parts_;
};

}  // namespace sheaf::server
