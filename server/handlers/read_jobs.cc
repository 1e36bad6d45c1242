// JobsHandler: GetJob, ListJobs, GetRun, ListRuns, GetPreview.
#include <algorithm>
#include <memory>

#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "queue/filter.h"
#include "queue/job_lists.h"
#include "server/handlers/call_options.h"
#include "server/handlers/calls.h"
#include "server/handlers/jobs_handler.h"
#include "server/use_cases/job_reader.h"
#include "server/wire/convert.h"
#include "server/wire/job_answers.h"
#include "server/wire/page_token.h"

namespace sheaf::server {
namespace {

// A list that was asked for, and the words that its page tokens are bound to.
struct JobListing {
  JobQuery query;
  std::shared_ptr<const FilterExpr> filter;  // the query's
  std::string question;
};

absl::StatusOr<JobListing> ListingOf(const pb::ListJobsRequest& request) {
  const std::string& order = request.order_by();
  if (!order.empty() && order != "create_time" && order != "create_time desc") {
    return InvalidArgument(
        {{"order_by", "must be \"create_time\" or \"create_time desc\""}});
  }
  SHEAF_ASSIGN_OR_RETURN(FilterExpr filter, ParseFilter(request.filter()));
  JobListing listing{
      .query = {.ascending = order == "create_time",
                .limit = PageSize(request.page_size())},
      .filter = std::make_shared<const FilterExpr>(std::move(filter)),
      .question = absl::StrCat("jobs\n", order, "\n", request.filter())};
  listing.query.filter = listing.filter.get();
  SHEAF_ASSIGN_OR_RETURN(const auto last,
                         PageBegin(listing.question, request.page_token()));
  if (last) listing.query.after = JobId{*last};
  return listing;
}

struct RunListing {
  JobId job;
  RunQuery query;
  std::string question;
};

absl::StatusOr<RunListing> ListingOf(const pb::ListRunsRequest& request) {
  SHEAF_ASSIGN_OR_RETURN(const JobId job, JobNamed(request.job()));
  RunQuery query{.first = RunId(job, 0),
                 .last = RunId(job, kRunsPerJobMax),
                 .limit = PageSize(request.page_size())};
  if (request.states_size() > 0) query.states = 0;
  for (const int state : request.states()) {
    query.states |= StateBit(static_cast<RunState>(state));
  }
  const std::string question =
      absl::StrCat("runs\n", request.job(), "\n", query.states);
  SHEAF_ASSIGN_OR_RETURN(const auto last,
                         PageBegin(question, request.page_token()));
  // No token leads to runs of other jobs.
  if (last) query.first = std::max(query.first, RunId(*last + 1));
  return RunListing{job, query, question};
}

}  // namespace

grpc::ServerUnaryReactor* JobsHandler::GetJob(
    grpc::CallbackServerContext* context, const pb::GetJobRequest* request,
    pb::Job* response) {
  return calls_.Admitted(context, *request, [&](const Caller&) -> Begun {
    SHEAF_ASSIGN_OR_RETURN(const JobId id, JobNamed(request->name()));
    const bool full = request->view() == pb::JOB_VIEW_FULL;
    return calls_.Read(
        context,
        [reader = parts_.reader, id, full](View& view) {
          return reader->ReadJob(view, id, full);
        },
        [response](const JobDetails& job) { ToProto(job, response); });
  });
}

grpc::ServerUnaryReactor* JobsHandler::ListJobs(
    grpc::CallbackServerContext* context, const pb::ListJobsRequest* request,
    pb::ListJobsResponse* response) {
  return calls_.Admitted(context, *request, [&](const Caller&) -> Begun {
    SHEAF_ASSIGN_OR_RETURN(JobListing listing, ListingOf(*request));
    return calls_.Read(
        context,
        [reader = parts_.reader, listing](View& view) {
          return reader->ListJobs(view, listing.query);
        },
        [response, question = listing.question](const JobPage& page) {
          ToProto(page, question, response);
        },
        request->filter().empty() ? CallOf(*context) : ScanOf(*context));
  });
}

grpc::ServerUnaryReactor* JobsHandler::GetRun(
    grpc::CallbackServerContext* context, const pb::GetRunRequest* request,
    pb::Run* response) {
  return calls_.Admitted(context, *request, [&](const Caller&) -> Begun {
    SHEAF_ASSIGN_OR_RETURN(const RunId id, RunNamed(request->name()));
    return calls_.Read(
        context,
        [reader = parts_.reader, id](View& view) {
          return reader->ReadRun(view, id);
        },
        [response](const RunDetails& run) { ToProto(run, response); });
  });
}

grpc::ServerUnaryReactor* JobsHandler::ListRuns(
    grpc::CallbackServerContext* context, const pb::ListRunsRequest* request,
    pb::ListRunsResponse* response) {
  return calls_.Admitted(context, *request, [&](const Caller&) -> Begun {
    SHEAF_ASSIGN_OR_RETURN(RunListing listing, ListingOf(*request));
    return calls_.Read(
        context,
        [reader = parts_.reader, listing](View& view) {
          return reader->ListRuns(view, listing.job, listing.query);
        },
        [response, question = listing.question](const RunPage& page) {
          ToProto(page, question, response);
        });
  });
}

grpc::ServerUnaryReactor* JobsHandler::GetPreview(
    grpc::CallbackServerContext* context, const pb::GetPreviewRequest* request,
    pb::Preview* response) {
  return calls_.Admitted(context, *request, [&](const Caller&) -> Begun {
    SHEAF_ASSIGN_OR_RETURN(const RunId id, RunNamed(request->run()));
    response->set_run(request->run());
    return calls_.Read(
        context,
        [reader = parts_.reader, id](View& view) {
          return reader->ReadPreview(view, id);
        },
        [response](const RunPreview& preview) { ToProto(preview, response); });
  });
}

}  // namespace sheaf::server
