// JobsHandler: CancelJob, RetryJob, UpdateJob, DeleteJob.
#include "base/status.h"
#include "queue/jobs.h"
#include "server/handlers/cancel_loop.h"
#include "server/handlers/jobs_handler.h"
#include "server/handlers/sliced_call.h"
#include "server/scheduling/workers.h"
#include "server/wire/convert.h"

namespace sheaf::server {
namespace {

void Answer(Core& core, const CancelCounts& counts, bool changed,
            pb::CancelJobResponse* response) {
  response->set_job_count(counts.jobs);
  response->set_cancelled_run_count(counts.cancelled);
  response->set_stopping_run_count(counts.stopping);
  if (changed && counts.stopping > 0) core.workers->ReportNowToAll();
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
  absl::Status status = AdmitChange(core_, *context, *request);
  if (status.ok() && request->name().empty() == request->filter().empty()) {
    status = InvalidArgument(
        {{"name", "either name or filter must be given, and not both"}});
  }
  if (!status.ok()) return Refuse(context, status);
  const CancelOptions options{.keep_running = request->keep_running(),
                              .reason = request->reason()};
  const bool rehearsal = request->validate_only();
  const auto answer = [this, rehearsal, response](const CancelCounts& counts) {
    Answer(core_, counts, !rehearsal, response);
  };
  const std::string& name = request->name();
  if (name.empty()) {
    auto filter = ParseFilter(request->filter());
    if (!filter.ok()) return Refuse(context, filter.status());
    return std::make_shared<CancelLoop>(&core_, context, *std::move(filter),
                                        options, rehearsal, answer)
        ->Start();
  }
  const auto job = NamesRun(name) ? JobId{} : JobNamed(name);
  if (!job.ok()) return Refuse(context, job.status());
  const auto run = NamesRun(name) ? RunNamed(name) : RunId{};
  if (!run.ok()) return Refuse(context, run.status());
  if (rehearsal) {
    return ReadCall(
        core_, context,
        [job = *job, run = *run, keep = options.keep_running](View& view) {
          return job ? WouldCancel(view, job, keep)
                     : WouldCancel(view, run, keep);
        },
        answer);
  }
  if (!*job) {
    return WriteCall(
        core_, context,
        [run = *run, options](Tx& tx) { return CancelRun(tx, run, options); },
        answer, RoomMakingOf(*context));
  }
  return InSlices(
      core_, context, Cancelling{},
      [job = *job, options](Tx& tx, Cancelling* state) {
        return CancelOneSlice(tx, job, options, state);
      },
      [answer](const Cancelling& state) {
        answer(state.counts);
        return absl::OkStatus();
      },
      RoomMakingOf(*context));
}

grpc::ServerUnaryReactor* JobsHandler::RetryJob(
    grpc::CallbackServerContext* context, const pb::RetryJobRequest* request,
    pb::RetryJobResponse* response) {
  if (absl::Status s = AdmitChange(core_, *context, *request); !s.ok()) {
    return Refuse(context, s);
  }
  return InSlices(
      core_, context, Retrying{},
      [name = request->name()](Tx& tx, Retrying* state) {
        return RetryOneSlice(tx, name, state);
      },
      [response](const Retrying& retried) {
        ToProto(retried.job, response->mutable_job());
        response->set_run_count(retried.count);
        return absl::OkStatus();
      },
      CallOf(*context));
}

grpc::ServerUnaryReactor* JobsHandler::UpdateJob(
    grpc::CallbackServerContext* context, const pb::UpdateJobRequest* request,
    pb::Job* response) {
  if (absl::Status s = AdmitChange(core_, *context, *request); !s.ok()) {
    return Refuse(context, s);
  }
  if (request->job().name().empty()) {
    return Refuse(context,
                  InvalidArgument({{"job.name", "must look like jobs/42"}}));
  }
  const auto id = JobNamed(request->job().name());
  if (!id.ok()) return Refuse(context, id.status());
  auto patch = FromProto(*request);
  if (!patch.ok()) return Refuse(context, patch.status());
  return WriteCall(
      core_, context,
      [id = *id, patch = *std::move(patch)](Tx& tx) {
        return sheaf::UpdateJob(tx, id, patch);
      },
      [response](const Job& job) { ToProto(job, response); });
}

grpc::ServerUnaryReactor* JobsHandler::DeleteJob(
    grpc::CallbackServerContext* context, const pb::DeleteJobRequest* request,
    pb::DeleteJobResponse*) {
  absl::Status status = AdmitChange(core_, *context, *request);
  const auto version = VersionOf(request->etag());
  if (status.ok()) status = version.status();
  if (!status.ok()) return Refuse(context, status);
  return WriteCall(
      core_, context,
      [name = request->name(),
       version = *version](Tx& tx) -> absl::StatusOr<bool> {
        SHEAF_ASSIGN_OR_RETURN(const JobId id, JobNamed(name));
        SHEAF_RETURN_IF_ERROR(sheaf::DeleteJob(tx, id, version));
        return true;
      },
      [](bool) {}, RoomMakingOf(*context));
}

}  // namespace sheaf::server
