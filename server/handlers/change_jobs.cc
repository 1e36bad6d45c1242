// JobsHandler: CancelJob, RetryJob, UpdateJob, DeleteJob.
#include "base/status.h"
#include "queue/jobs.h"
#include "queue/long_changes.h"
#include "server/handlers/call_options.h"
#include "server/handlers/calls.h"
#include "server/handlers/jobs_handler.h"
#include "server/scheduling/workers.h"
#include "server/wire/convert.h"
#include "server/wire/job_answers.h"

namespace sheaf::server {
namespace {

absl::StatusOr<JobOrRun> JobOrRunNamed(const std::string& name) {
  if (NamesRun(name)) return RunNamed(name);
  return JobNamed(name);
}

absl::StatusOr<CancelChange::Target> TargetOf(
    const pb::CancelJobRequest& request) {
  if (request.name().empty() == request.filter().empty()) {
    return InvalidArgument({{"name", "give either name or filter"}});
  }
  if (request.name().empty()) {
    SHEAF_ASSIGN_OR_RETURN(FilterExpr filter, ParseFilter(request.filter()));
    return std::make_shared<const FilterExpr>(std::move(filter));
  }
  SHEAF_ASSIGN_OR_RETURN(const JobOrRun named, JobOrRunNamed(request.name()));
  if (const RunId* run = std::get_if<RunId>(&named)) return *run;
  return std::get<JobId>(named);
}

absl::StatusOr<JobId> JobToUpdate(const pb::UpdateJobRequest& request) {
  if (request.job().name().empty()) {
    return InvalidArgument({{"job.name", "must look like jobs/42"}});
  }
  return JobNamed(request.job().name());
}

}  // namespace

grpc::ServerUnaryReactor* JobsHandler::CancelJob(
    grpc::CallbackServerContext* context, const pb::CancelJobRequest* request,
    pb::CancelJobResponse* response) {
  return calls_.AdmittedChange(context, *request, [&](const Caller&) -> Begun {
    SHEAF_ASSIGN_OR_RETURN(CancelChange::Target target, TargetOf(*request));
    CancelOptions options{request->keep_running(), request->reason()};
    return calls_.InSlices(
        context,
        CancelChange(std::move(target), options, request->validate_only()),
        [this, response](const CancelChange& cancel) {
          ToProto(cancel.counts(), response);
          if (cancel.stops_runs()) parts_.workers->ReportNowToAll();
        });
  });
}

grpc::ServerUnaryReactor* JobsHandler::RetryJob(
    grpc::CallbackServerContext* context, const pb::RetryJobRequest* request,
    pb::RetryJobResponse* response) {
  return calls_.AdmittedChange(context, *request, [&](const Caller&) -> Begun {
    SHEAF_ASSIGN_OR_RETURN(const JobOrRun target,
                           JobOrRunNamed(request->name()));
    return calls_.InSlices(context, RetryChange(target),
                           [response](const RetryChange& retry) {
                             ToProto(retry.job(), response->mutable_job());
                             response->set_run_count(retry.count());
                           });
  });
}

grpc::ServerUnaryReactor* JobsHandler::UpdateJob(
    grpc::CallbackServerContext* context, const pb::UpdateJobRequest* request,
    pb::Job* response) {
  return calls_.AdmittedChange(context, *request, [&](const Caller&) -> Begun {
    SHEAF_ASSIGN_OR_RETURN(const JobId id, JobToUpdate(*request));
    SHEAF_ASSIGN_OR_RETURN(JobPatch patch, FromProto(*request));
    return calls_.Write(
        context,
        [id, patch = std::move(patch)](Tx& tx) {
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
    SHEAF_ASSIGN_OR_RETURN(const JobId id, JobNamed(request->name()));
    return calls_.Write(
        context,
        [id, version](Tx& tx) { return sheaf::DeleteJob(tx, id, version); },
        kNothing, RoomMakingOf(*context));
  });
}

}  // namespace sheaf::server
