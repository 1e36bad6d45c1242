// Lists of jobs, page by page: each page is bounded in items, in bytes and in
// the work of finding matches, so that no question takes long, however many
// jobs there are.
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
  // Steady time after which no further jobs are looked at.
  absl::Duration time_max = absl::Milliseconds(250);
};

struct JobPage {
  std::vector<Job> jobs;
  // The job after which the list goes on; none at its end. A page may be short,
  // or empty, though the list goes on.
  std::optional<JobId> next;
};

// The jobs that `query` names, `query.limit` of them at the most.
JobPage ListJobs(JobReads& jobs, const JobQuery& query,
                 const PageLimits& limits = {});

// About the bytes that an answer with the whole value takes.
int64_t BytesOf(const Job& job);
int64_t BytesOf(const Run& run);
int64_t BytesOf(const Attempt& attempt);
int64_t BytesOf(const RunParams& params);

// Returns the facts that filters can ask of a job.
JobFacts FactsOf(const Job& job);

}  // namespace sheaf
