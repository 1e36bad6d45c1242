#include "server/use_cases/job_reader.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "queue/job_lists.h"
#include "queue/jobs.h"

namespace sheaf::server {
namespace {

constexpr int kRunsInJob = 100;

// The plan by which the job's runs are batched; no id where there is none.
PlanId PlanOf(View& view, JobId id) {
  const std::optional<Job> job = view.FindJob(id);
  const std::optional<Queue> queue =
      job ? view.FindQueue(job->queue) : std::nullopt;
  return queue ? queue->plan : PlanId{};
}

int64_t BytesOf(const RunDetails& details) {
  int64_t bytes = sheaf::BytesOf(details.run) + sheaf::BytesOf(details.params);
  for (const Attempt& attempt : details.attempts) {
    bytes += sheaf::BytesOf(attempt);
  }
  return bytes;
}

const char* WhyNoPreview(const Run& run) {
  if (IsFinal(run.state)) return " has ended, and its previews are gone";
  if (run.state != RunState::kRunning) return " is not running yet";
  return " has no preview yet";
}

}  // namespace

absl::StatusOr<JobDetails> JobReader::ReadJob(View& view, JobId id,
                                              bool full) const {
  JobDetails details{.is_full = full};
  SHEAF_ASSIGN_OR_RETURN(details.job, FindJobOrError(view, id));
  const Job& job = details.job;
  details.position = PositionOf(view, job);
  const absl::Time now = parts_.now();
  if (details.position) {
    details.per_run = parts_.throughput->PerRun(job.queue, now);
  }
  if (details.per_run) {
    details.eta = std::max(now, job.run_time) +
                  *details.per_run * (*details.position + job.counts.queued);
  }
  if (!full) return details;
  details.shared = view.SharedParams(id);
  details.runs = PageOf(view, id,
                        {.first = RunId(id, 0),
                         .last = RunId(id, kRunsPerJobMax),
                         .limit = kRunsInJob},
                        /*attempts=*/true)
                     .runs;
  return details;
}

absl::StatusOr<JobPage> JobReader::ListJobs(View& view,
                                            const JobQuery& query) const {
  return sheaf::ListJobs(view, query, {.bytes_max = parts_.page_bytes_max});
}

absl::StatusOr<RunDetails> JobReader::ReadRun(View& view, RunId id) const {
  SHEAF_ASSIGN_OR_RETURN(Run run, FindRunOrError(view, id));
  return DetailsOf(view, std::move(run), view.SharedParams(id.job()),
                   PlanOf(view, id.job()), /*attempts=*/true);
}

absl::StatusOr<RunPage> JobReader::ListRuns(View& view, JobId job,
                                            const RunQuery& query) const {
  SHEAF_RETURN_IF_ERROR(FindJobOrError(view, job).status());
  return PageOf(view, job, query, /*attempts=*/false);
}

absl::StatusOr<RunPreview> JobReader::ReadPreview(View& view, RunId id) const {
  SHEAF_ASSIGN_OR_RETURN(const Run run, FindRunOrError(view, id));
  if (run.state == RunState::kRunning) {
    if (auto preview = parts_.previews->Find(id)) return *std::move(preview);
  }
  const std::string name = NameOf(id);
  return WithSubject(
      Error(Reason::kPreviewNotFound, absl::StrCat(name, WhyNoPreview(run))),
      name);
}

RunDetails JobReader::DetailsOf(View& view, Run run, const RunParams& shared,
                                PlanId plan, bool attempts) const {
  RunDetails details{.has_attempts = attempts};
  if (plan && run.state == RunState::kQueued) {
    details.planned = view.FindPlanBatch(plan, run.id);
  }
  details.params = Merge(shared, view.OwnParams(run.id));
  if (attempts) details.attempts = view.Attempts(run.id);
  if (run.state == RunState::kRunning) {
    details.progress = parts_.progress->Find(run.id);
  }
  if (details.progress) {
    details.progress->preview_step = parts_.previews->StepOf(run.id);
  }
  details.run = std::move(run);
  return details;
}

// Later runs than those of the page are not read.
RunPage JobReader::PageOf(View& view, JobId job, const RunQuery& query,
                          bool attempts) const {
  const RunParams shared = view.SharedParams(job);
  const PlanId plan = PlanOf(view, job);
  RunPage page;
  int64_t bytes = 0;
  for (Run& run : view.Runs(query)) {
    const RunId id = run.id;
    RunDetails details =
        DetailsOf(view, std::move(run), shared, plan, attempts);
    bytes += BytesOf(details);
    if (bytes > parts_.page_bytes_max && !page.runs.empty()) {
      page.next = page.runs.back().run.id;
      return page;
    }
    page.runs.push_back(std::move(details));
    if (static_cast<int>(page.runs.size()) == query.limit) page.next = id;
  }
  return page;
}

}  // namespace sheaf::server
