// Lists of jobs, page by page: each page is bounded in items, in bytes and in
// the work of finding what matches, so that no question takes long, whatever
// it asks of however many jobs.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "absl/time/time.h"
#include "queue/filter.h"
#include "queue/store.h"

namespace sheaf {

struct PageLimits {
  int64_t bytes_max = 8 << 20;
  // Steady time, after which no further part of the jobs is looked at.
  absl::Duration time_max = absl::Milliseconds(250);
};

struct JobPage {
  std::vector<Job> jobs;
  // After which job the list goes on; none at its end. A page may be short,
  // or empty, and the list go on all the same.
  std::optional<JobId> next;
};

// The jobs that `query` names, `query.limit` of them at the most.
JobPage ListJobs(View& view, const JobQuery& query,
                 const PageLimits& limits = {});

// About the bytes that it takes to say all of it.
int64_t BytesOf(const Job& job);
int64_t BytesOf(const Run& run);
int64_t BytesOf(const Attempt& attempt);
int64_t BytesOf(const RunParams& params);

// Returns the facts that filters can ask of a job.
JobFacts FactsOf(const Job& job);

}  // namespace sheaf
