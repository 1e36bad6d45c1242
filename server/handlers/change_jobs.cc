// JobsHandler: CancelJob, RetryJob, UpdateJob, DeleteJob.
#include "base/status.h"
#include "queue/jobs.h"
#include "server/handlers/calls.h"
#include "server/handlers/cancel_loop.h"
#include "server/handlers/jobs_handler.h"
#include "server/scheduling/workers.h"
#include "server/wire/convert.h"

namespace sheaf::server {
namespace {

void Answer(WorkerRegistry& workers, const CancelCounts& counts, bool changed,
            pb::CancelJobResponse* response) {
  response->set_job_count(counts.jobs);
  response->set_cancelled_run_count(counts.cancelled);
  response->set_stopping_run_count(counts.stopping);
  if (changed && counts.stopping > 0) workers.ReportNowToAll();
}

struct Cancelling {
  CancelCounts counts;
  std::optional<RunId> from;
  bool more = false;
};

absl::Status CancelOneSlice(Tx& tx, JobId job, const CancelOptions& options,
                            Cancelling* state) {
  if (!state->from) {
    SHEAF_RETURN_IF_ERROR(WouldCancel(tx, job, options.keep_running).status());
  }
  SHEAF_ASSIGN_OR_RETURN(const CancelSlice slice,
                         CancelSome(tx, job, state->from, options));
  state->counts.jobs = 1;
  state->counts.cancelled += slice.counts.cancelled;
  state->counts.stopping += slice.counts.stopping;
  state->from = slice.next;
  state->more = slice.next.has_value();
  return absl::OkStatus();
}

struct Retrying {
  int64_t count = 0;
  std::optional<RunId> from;
  Job job;
  bool more = false;
};

absl::Status RetryOneSlice(Tx& tx, const std::string& name, Retrying* state) {
  JobId job;
  if (NamesRun(name)) {
    SHEAF_ASSIGN_OR_RETURN(const RunId run, RunNamed(name));
    SHEAF_ASSIGN_OR_RETURN(state->count, RetryRun(tx, run));
    job = run.job();
  } else {
    SHEAF_ASSIGN_OR_RETURN(job, JobNamed(name));
    SHEAF_ASSIGN_OR_RETURN(const RetrySlice slice,
                           RetrySome(tx, job, state->from));
    state->count += slice.count;
    state->from = slice.next;
    state->more = slice.next.has_value();
  }
  SHEAF_ASSIGN_OR_RETURN(state->job, FindJobOrError(tx, job));
  return absl::OkStatus();
}

}  // namespace

grpc::ServerUnaryReactor* JobsHandler::CancelJob(
    grpc::CallbackServerContext* context, const pb::CancelJobRequest* request,
    pb::CancelJobResponse* response) {
  return calls_.AdmittedChange(context, *request, [&](const Caller&) -> Begun {
    if (request->name().empty() == request->filter().empty()) {
      return InvalidArgument({{"name", "give either name or filter"}});
    }
    const CancelOptions options{.keep_running = request->keep_running(),
                                .reason = request->reason()};
    const bool rehearsal = request->validate_only();
    const auto answer = [this, rehearsal,
                         response](const CancelCounts& counts) {
      Answer(*parts_.workers, counts, !rehearsal, response);
    };
    const std::string& name = request->name();
    if (name.empty()) {
      SHEAF_ASSIGN_OR_RETURN(FilterExpr filter, ParseFilter(request->filter()));
      return std::make_shared<CancelLoop>(calls_, context, std::move(filter),
                                          options, rehearsal, answer)
          ->Start();
    }
    const auto job = NamesRun(name) ? JobId{} : JobNamed(name);
    if (!job.ok()) return job.status();
    const auto run = NamesRun(name) ? RunNamed(name) : RunId{};
    if (!run.ok()) return run.status();
    if (rehearsal) {
      return calls_.Read(
          context,
          [job = *job, run = *run, keep = options.keep_running](View& view) {
            return job ? WouldCancel(view, job, keep)
                       : WouldCancel(view, run, keep);
          },
          answer);
    }
    if (!*job) {
      return calls_.Write(
          context,
          [run = *run, options](Tx& tx) { return CancelRun(tx, run, options); },
          answer, RoomMakingOf(*context));
    }
    return calls_.InSlices(
        context, Cancelling{},
        [job = *job, options](Tx& tx, Cancelling* state) {
          return CancelOneSlice(tx, job, options, state);
        },
        [answer](const Cancelling& state) {
          answer(state.counts);
          return absl::OkStatus();
        },
        RoomMakingOf(*context));
  });
}

grpc::ServerUnaryReactor* JobsHandler::RetryJob(
    grpc::CallbackServerContext* context, const pb::RetryJobRequest* request,
    pb::RetryJobResponse* response) {
  return calls_.AdmittedChange(context, *request, [&](const Caller&) -> Begun {
    return calls_.InSlices(
        context, Retrying{},
        [name = request->name()](Tx& tx, Retrying* state) {
          return RetryOneSlice(tx, name, state);
        },
        [response](const Retrying& retried) {
          ToProto(retried.job, response->mutable_job());
          response->set_run_count(retried.count);
          return absl::OkStatus();
        },
        CallOf(*context));
  });
}

grpc::ServerUnaryReactor* JobsHandler::UpdateJob(
    grpc::CallbackServerContext* context, const pb::UpdateJobRequest* request,
    pb::Job* response) {
  return calls_.AdmittedChange(context, *request, [&](const Caller&) -> Begun {
    if (request->job().name().empty()) {
      return InvalidArgument({{"job.name", "must look like jobs/42"}});
    }
    const auto id = JobNamed(request->job().name());
    if (!id.ok()) return id.status();
    auto patch = FromProto(*request);
    if (!patch.ok()) return patch.status();
    return calls_.Write(
        context,
        [id = *id, patch = *std::move(patch)](Tx& tx) {
          return sheaf::UpdateJob(tx, id, patch);
        },
        [response](const Job& job) { ToProto(job, response); });
  });
}

grpc::ServerUnaryReactor* JobsHandler::DeleteJob(
    grpc::CallbackServerContext* context, const pb::DeleteJobRequest* request,
    pb::DeleteJobResponse*) {
  return calls_.AdmittedChange(context, *request, [&](const Caller&) -> Begun {
    SHEAF_ASSIGN_OR_RETURN(const int64_t version, VersionOf(request->etag()));
    return calls_.Write(
        context,
        [name = request->name(), version](Tx& tx) -> absl::StatusOr<bool> {
          SHEAF_ASSIGN_OR_RETURN(const JobId id, JobNamed(name));
          SHEAF_RETURN_IF_ERROR(sheaf::DeleteJob(tx, id, version));
          return true;
        },
        [](bool) {}, RoomMakingOf(*context));
  });
}

}  // namespace sheaf::server
