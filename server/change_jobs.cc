// JobsHandler: CancelJob, RetryJob, UpdateJob, DeleteJob.
#include "base/status.h"
#include "queue/jobs.h"
#include "server/call.h"
#include "server/convert.h"
#include "server/jobs_handler.h"
#include "server/workers.h"

namespace sheaf::server {
namespace {

// Most runs cancelled in one transaction, so that others get their turn.
constexpr int kCancelStep = 2000;

void Answer(Core& core, const CancelCounts& counts, bool changed,
            pb::CancelJobResponse* response) {
  response->set_job_count(counts.jobs);
  response->set_cancelled_run_count(counts.cancelled);
  response->set_stopping_run_count(counts.stopping);
  if (changed && counts.stopping > 0) core.workers->ReportNowToAll();
}

// Cancels what matches a filter, page by page.
class CancelLoop : public std::enable_shared_from_this<CancelLoop> {
 public:
  CancelLoop(Core* core, FilterExpr filter, CancelOptions options,
             pb::CancelJobResponse* response, grpc::ServerUnaryReactor* reactor)
      : core_(core),
        filter_(std::move(filter)),
        options_(std::move(options)),
        response_(response),
        reactor_(reactor) {}

  void Step() {
    auto me = shared_from_this();
    core_->store->Write(
        [me](Tx& tx) {
          me->page_ = CancelMatching(tx, me->filter_, me->after_, me->options_,
                                     kCancelStep);
          return absl::OkStatus();
        },
        [me](const absl::Status& status) { me->Stepped(status); });
  }

 private:
  void Stepped(const absl::Status& status) {
    if (!status.ok()) return reactor_->Finish(ToGrpcStatus(status));
    total_.jobs += page_.counts.jobs;
    total_.cancelled += page_.counts.cancelled;
    total_.stopping += page_.counts.stopping;
    after_ = page_.next;
    if (after_ && core_->stopping) {
      return reactor_->Finish(ToGrpcStatus(ServerStopping()));
    }
    if (after_) return Step();
    Answer(*core_, total_, !options_.validate_only, response_);
    reactor_->Finish(grpc::Status::OK);
  }

  Core* const core_;
  const FilterExpr filter_;
  const CancelOptions options_;
  pb::CancelJobResponse* const response_;
  grpc::ServerUnaryReactor* const reactor_;
  std::optional<JobId> after_;
  CancelPage page_;
  CancelCounts total_;
};

}  // namespace

grpc::ServerUnaryReactor* JobsHandler::CancelJob(
    grpc::CallbackServerContext* context, const pb::CancelJobRequest* request,
    pb::CancelJobResponse* response) {
  absl::Status status = Admit(core_, *context, *request);
  if (status.ok() && request->name().empty() == request->filter().empty()) {
    status = InvalidArgument(
        {{"name", "either name or filter must be given, and not both"}});
  }
  if (!status.ok()) return Refuse(context, status);
  CancelOptions options;
  options.keep_running = request->keep_running();
  options.validate_only = request->validate_only();
  options.reason = request->reason();
  if (request->name().empty()) {
    auto filter = ParseFilter(request->filter());
    if (!filter.ok()) return Refuse(context, filter.status());
    auto* reactor = context->DefaultReactor();
    std::make_shared<CancelLoop>(&core_, *std::move(filter), options, response,
                                 reactor)
        ->Step();
    return reactor;
  }
  return WriteCall(
      core_, context,
      [name = request->name(),
       options](Tx& tx) -> absl::StatusOr<CancelCounts> {
        if (NamesRun(name)) {
          SHEAF_ASSIGN_OR_RETURN(const RunId run, RunNamed(name));
          return CancelRun(tx, run, options);
        }
        SHEAF_ASSIGN_OR_RETURN(const JobId job, JobNamed(name));
        return sheaf::CancelJob(tx, job, options);
      },
      [this, options, response](const CancelCounts& counts) {
        Answer(core_, counts, !options.validate_only, response);
      });
}

grpc::ServerUnaryReactor* JobsHandler::RetryJob(
    grpc::CallbackServerContext* context, const pb::RetryJobRequest* request,
    pb::RetryJobResponse* response) {
  if (absl::Status s = Admit(core_, *context, *request); !s.ok()) {
    return Refuse(context, s);
  }
  using Retried = std::pair<Job, int>;
  return WriteCall(
      core_, context,
      [name = request->name()](Tx& tx) -> absl::StatusOr<Retried> {
        Retried retried;
        JobId job;
        if (NamesRun(name)) {
          SHEAF_ASSIGN_OR_RETURN(const RunId run, RunNamed(name));
          SHEAF_ASSIGN_OR_RETURN(retried.second, RetryRun(tx, run));
          job = run.job();
        } else {
          SHEAF_ASSIGN_OR_RETURN(job, JobNamed(name));
          SHEAF_ASSIGN_OR_RETURN(retried.second, sheaf::RetryJob(tx, job));
        }
        SHEAF_ASSIGN_OR_RETURN(retried.first, FindJobOrError(tx, job));
        return retried;
      },
      [response](const Retried& retried) {
        ToProto(retried.first, response->mutable_job());
        response->set_run_count(retried.second);
      });
}

grpc::ServerUnaryReactor* JobsHandler::UpdateJob(
    grpc::CallbackServerContext* context, const pb::UpdateJobRequest* request,
    pb::Job* response) {
  if (absl::Status s = Admit(core_, *context, *request); !s.ok()) {
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
  absl::Status status = Admit(core_, *context, *request);
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
      [](bool) {});
}

}  // namespace sheaf::server
