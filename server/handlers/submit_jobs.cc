// JobsHandler: SubmitJob and SubmitJobs.
#include <utility>

#include "base/status.h"
#include "server/handlers/calls.h"
#include "server/handlers/jobs_handler.h"
#include "server/handlers/ready_job.h"
#include "server/wire/job_answers.h"

namespace sheaf::server {
namespace {

namespace pb = ::sheaf::v1;

auto Answer(pb::SubmitJobResponse* response) {
  return
      [response](const Submitted& submitted) { ToProto(submitted, response); };
}

}  // namespace

JobsHandler::JobsHandler(const Calls& calls, Parts parts)
    : calls_(calls), parts_(std::move(parts)) {}

JobsHandler::~JobsHandler() = default;

grpc::ServerUnaryReactor* JobsHandler::SubmitJob(
    grpc::CallbackServerContext* context, const pb::SubmitJobRequest* request,
    pb::SubmitJobResponse* response) {
  return calls_.Admitted(context, *request, [&](const Caller&) -> Begun {
    SHEAF_ASSIGN_OR_RETURN(const auto job, parts_.intake->MakeReady(*request));
    const auto rehearse = [in = parts_.intake, job](View& view) {
      return Rehearse(view, job->prepared, in->limits());
    };
    const auto submit = [in = parts_.intake, job](Tx& tx) {
      return Submit(tx, job->prepared, in->limits());
    };
    return request->validate_only()
               ? calls_.Read(context, rehearse, Answer(response))
               : calls_.Write(context, submit, Answer(response));
  });
}

grpc::ServerUnaryReactor* JobsHandler::SubmitJobs(
    grpc::CallbackServerContext* context, const pb::SubmitJobsRequest* request,
    pb::SubmitJobsResponse* response) {
  return calls_.Admitted(context, *request, [&](const Caller&) -> Begun {
    SHEAF_ASSIGN_OR_RETURN(ReadyJobs jobs, parts_.intake->MakeReady(*request));
    return calls_.Write(
        context,
        [in = parts_.intake, jobs = std::move(jobs)](Tx& tx) {
          return SubmitAll(tx, jobs, in->limits());
        },
        [response](const std::vector<Submitted>& all) {
          for (const Submitted& it : all)
            ToProto(it, response->add_responses());
        });
  });
}

}  // namespace sheaf::server
