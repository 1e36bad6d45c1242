// JobsHandler: GetJob, ListJobs, GetRun, ListRuns.
#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "queue/job_lists.h"
#include "queue/jobs.h"
#include "server/handlers/calls.h"
#include "server/handlers/jobs_handler.h"
#include "server/telemetry/previews.h"
#include "server/telemetry/progress.h"
#include "server/wire/convert.h"
#include "server/wire/page_token.h"

namespace sheaf::server {
namespace {

constexpr int kRunsInJob = 100;

struct RunWithAll {
  Run run;
  RunParams params;
  std::vector<Attempt> attempts;
  std::optional<PlanBatch> planned;
};

struct JobWithAll {
  Job job;
  std::optional<int64_t> position;
  RunParams shared;
  std::vector<RunWithAll> runs;
};

// The plan by which the job's runs are batched; no id where there is none.
PlanId PlanOf(View& view, JobId id) {
  const std::optional<Job> job = view.FindJob(id);
  const std::optional<Queue> queue =
      job ? view.FindQueue(job->queue) : std::nullopt;
  return queue ? queue->plan : PlanId{};
}

RunWithAll WithAll(View& view, Run run, const RunParams& shared, PlanId plan,
                   bool attempts) {
  RunWithAll all;
  if (plan && run.state == RunState::kQueued) {
    all.planned = view.FindPlanBatch(plan, run.id);
  }
  all.params = Merge(shared, view.OwnParams(run.id));
  if (attempts) all.attempts = view.Attempts(run.id);
  all.run = std::move(run);
  return all;
}

void Fill(const JobsHandler::Parts& parts, const RunWithAll& all, bool attempts,
          pb::Run* out) {
  ToProto(all.run, out);
  ToProto(all.params, out->mutable_request());
  if (all.planned) out->set_plan_batch(NameOf(*all.planned));
  if (attempts) AttemptsToProto(all.run, all.attempts, out);
  if (all.run.state != RunState::kRunning) return;
  auto progress = parts.progress->Find(all.run.id);
  if (!progress) return;
  progress->preview_step = parts.previews->StepOf(all.run.id);
  ToProto(*progress, out->mutable_progress());
}

int64_t BytesOf(const RunWithAll& all) {
  int64_t bytes = sheaf::BytesOf(all.run) + sheaf::BytesOf(all.params);
  for (const Attempt& attempt : all.attempts) bytes += sheaf::BytesOf(attempt);
  return bytes;
}

// Runs of one job, and the run after which the list goes on; none at its end.
struct RunPage {
  std::vector<RunWithAll> runs;
  std::optional<RunId> next;
};

// Stops at `bytes_max`, whatever the query's limit is, but takes at least one
// run. Later runs are not read.
RunPage RunsOf(View& view, JobId job, RunQuery query, bool attempts,
               int64_t bytes_max) {
  const RunParams shared = view.SharedParams(job);
  const PlanId plan = PlanOf(view, job);
  RunPage page;
  int64_t bytes = 0;
  for (Run& run : view.Runs(query)) {
    const RunId id = run.id;
    RunWithAll all = WithAll(view, std::move(run), shared, plan, attempts);
    bytes += BytesOf(all);
    if (bytes > bytes_max && !page.runs.empty()) {
      page.next = page.runs.back().run.id;
      return page;
    }
    page.runs.push_back(std::move(all));
    if (static_cast<int>(page.runs.size()) == query.limit) page.next = id;
  }
  return page;
}

// Fills in the job's position, and when its last run should be done at the
// queue's recent throughput.
void FillEta(const JobsHandler::Parts& parts, const JobWithAll& all,
             pb::Job* out) {
  if (!all.position) return;
  out->set_position(*all.position);
  const auto per_run = parts.throughput->PerRun(all.job.queue, parts.now());
  if (!per_run) return;
  SetDuration(*per_run, out->mutable_eta_per_run());
  const absl::Time begin = std::max(parts.now(), all.job.run_time);
  SetTime(begin + *per_run * (*all.position + all.job.counts.queued),
          out->mutable_eta());
}

}  // namespace

grpc::ServerUnaryReactor* JobsHandler::GetJob(
    grpc::CallbackServerContext* context, const pb::GetJobRequest* request,
    pb::Job* response) {
  return calls_.Admitted(context, *request, [&](const Caller&) -> Begun {
    const bool full = request->view() == pb::JOB_VIEW_FULL;
    return calls_.Read(
        context,
        [name = request->name(), full, bytes_max = parts_.page_bytes_max](
            View& view) -> absl::StatusOr<JobWithAll> {
          SHEAF_ASSIGN_OR_RETURN(const JobId id, JobNamed(name));
          JobWithAll all;
          SHEAF_ASSIGN_OR_RETURN(all.job, FindJobOrError(view, id));
          all.position = PositionOf(view, all.job);
          if (full) {
            all.shared = view.SharedParams(id);
            all.runs = RunsOf(view, id,
                              {.first = RunId(id, 0),
                               .last = RunId(id, kRunsPerJobMax),
                               .limit = kRunsInJob},
                              /*attempts=*/true, bytes_max)
                           .runs;
          }
          return all;
        },
        [this, full, response](const JobWithAll& all) {
          ToProto(all.job, response);
          FillEta(parts_, all, response);
          if (!full) return;
          ToProto(all.shared, response->mutable_shared());
          for (const RunWithAll& run : all.runs) {
            Fill(parts_, run, true, response->add_runs());
          }
        });
  });
}

grpc::ServerUnaryReactor* JobsHandler::ListJobs(
    grpc::CallbackServerContext* context, const pb::ListJobsRequest* request,
    pb::ListJobsResponse* response) {
  return calls_.Admitted(context, *request, [&](const Caller&) -> Begun {
    const std::string& order = request->order_by();
    if (!order.empty() && order != "create_time" &&
        order != "create_time desc") {
      return InvalidArgument({{"order_by",
                               "must be \"create_time\" or "
                               "\"create_time desc\""}});
    }
    auto filter = ParseFilter(request->filter());
    if (!filter.ok()) return filter.status();
    JobQuery query;
    query.ascending = order == "create_time";
    query.limit = PageSize(request->page_size());
    const std::string question =
        absl::StrCat("jobs\n", order, "\n", request->filter());
    if (!request->page_token().empty()) {
      const auto last = ReadPageToken(question, request->page_token());
      if (!last.ok()) return last.status();
      query.after = JobId{*last};
    }
    return calls_.Read(
        context,
        [query, filter = *std::move(filter), bytes_max = parts_.page_bytes_max](
            View& view) mutable -> absl::StatusOr<JobPage> {
          query.filter = &filter;
          return sheaf::ListJobs(view, query, {.bytes_max = bytes_max});
        },
        [response, question](const JobPage& page) {
          for (const Job& job : page.jobs) ToProto(job, response->add_jobs());
          if (page.next) {
            response->set_next_page_token(
                MakePageToken(question, page.next->value));
          }
        },
        request->filter().empty() ? CallOf(*context) : ScanOf(*context));
  });
}

grpc::ServerUnaryReactor* JobsHandler::GetRun(
    grpc::CallbackServerContext* context, const pb::GetRunRequest* request,
    pb::Run* response) {
  return calls_.Admitted(context, *request, [&](const Caller&) -> Begun {
    return calls_.Read(
        context,
        [name = request->name()](View& view) -> absl::StatusOr<RunWithAll> {
          SHEAF_ASSIGN_OR_RETURN(const RunId id, RunNamed(name));
          SHEAF_ASSIGN_OR_RETURN(Run run, FindRunOrError(view, id));
          return WithAll(view, std::move(run), view.SharedParams(id.job()),
                         PlanOf(view, id.job()), true);
        },
        [this, response](const RunWithAll& all) {
          Fill(parts_, all, true, response);
        });
  });
}

grpc::ServerUnaryReactor* JobsHandler::ListRuns(
    grpc::CallbackServerContext* context, const pb::ListRunsRequest* request,
    pb::ListRunsResponse* response) {
  return calls_.Admitted(context, *request, [&](const Caller&) -> Begun {
    const auto named = JobNamed(request->job());
    if (!named.ok()) return named.status();
    const JobId job = *named;
    RunQuery query{.first = RunId(job, 0), .last = RunId(job, kRunsPerJobMax)};
    query.limit = PageSize(request->page_size());
    std::string question = absl::StrCat("runs\n", request->job());
    if (request->states_size() > 0) query.states = 0;
    for (const int state : request->states()) {
      query.states |= StateBit(static_cast<RunState>(state));
    }
    absl::StrAppend(&question, "\n", query.states);
    if (!request->page_token().empty()) {
      const auto last = ReadPageToken(question, request->page_token());
      if (!last.ok()) return last.status();
      // No token leads to runs of other jobs.
      query.first = std::max(query.first, RunId(*last + 1));
    }
    return calls_.Read(
        context,
        [query, job, bytes_max = parts_.page_bytes_max](
            View& view) -> absl::StatusOr<RunPage> {
          SHEAF_RETURN_IF_ERROR(FindJobOrError(view, job).status());
          return RunsOf(view, job, query, /*attempts=*/false, bytes_max);
        },
        [this, response, question](const RunPage& page) {
          for (const RunWithAll& run : page.runs) {
            Fill(parts_, run, false, response->add_runs());
          }
          if (page.next) {
            response->set_next_page_token(
                MakePageToken(question, page.next->value));
          }
        });
  });
}

}  // namespace sheaf::server
