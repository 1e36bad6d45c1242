// JobsHandler: SubmitJob and SubmitJobs.
#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "server/handlers/calls.h"
#include "server/handlers/jobs_handler.h"
#include "server/handlers/ready_job.h"
#include "server/wire/convert.h"

namespace sheaf::server {
namespace {

using ReadyJobs = std::vector<std::shared_ptr<const ReadyJob>>;

// The same error, its fields named as they stand in the bulk request.
absl::Status InRequest(int index, const absl::Status& status) {
  absl::Status placed =
      WithMetadata(status, "requestIndex", absl::StrCat(index));
  Violations violations = ViolationsOf(status);
  if (violations.empty()) return placed;
  for (Violation& violation : violations) {
    violation.field = absl::StrCat("requests[", index, "].", violation.field);
  }
  return WithMetadata(InvalidArgument(std::move(violations)), "requestIndex",
                      absl::StrCat(index));
}

// Refuses a request whose jobs have too many runs or bytes together.
absl::Status CheckAll(int64_t runs, int64_t bytes, const SubmitLimits& limits) {
  if (runs > kRunsPerJobMax) {
    return Error(Reason::kTooManyRuns,
                 absl::StrCat("the request has more than ", kRunsPerJobMax,
                              " runs in all"));
  }
  if (bytes > limits.job_bytes_max) {
    return Error(Reason::kJobTooLarge,
                 absl::StrCat("the values of all jobs of the request take more "
                              "than ",
                              limits.job_bytes_max, " bytes"));
  }
  return absl::OkStatus();
}

void Answer(const Submitted& submitted, pb::SubmitJobResponse* out) {
  ToProto(submitted.job, out->mutable_job());
  // A job that was only rehearsed has no name.
  if (!submitted.job.id) out->mutable_job()->clear_name();
  out->set_replayed(submitted.replayed);
}

}  // namespace

grpc::ServerUnaryReactor* JobsHandler::SubmitJob(
    grpc::CallbackServerContext* context, const pb::SubmitJobRequest* request,
    pb::SubmitJobResponse* response) {
  return calls_.Admitted(context, *request, [&](const Caller&) -> Begun {
    auto ready = parts_.intake->MakeReady(*request);
    if (!ready.ok()) return ready.status();
    const auto answer = [response](const Submitted& submitted) {
      Answer(submitted, response);
    };
    if (request->validate_only()) {
      return calls_.Read(
          context,
          [this, job = *std::move(ready)](View& view) {
            return Rehearse(view, job->prepared, parts_.intake->limits());
          },
          answer);
    }
    return calls_.Write(
        context,
        [this, job = *std::move(ready)](Tx& tx) {
          return Submit(tx, job->prepared, parts_.intake->limits());
        },
        answer);
  });
}

grpc::ServerUnaryReactor* JobsHandler::SubmitJobs(
    grpc::CallbackServerContext* context, const pb::SubmitJobsRequest* request,
    pb::SubmitJobsResponse* response) {
  return calls_.Admitted(context, *request, [&](const Caller&) -> Begun {
    auto jobs = std::make_shared<ReadyJobs>();
    int64_t runs = 0;
    int64_t bytes = 0;
    for (int i = 0; i < request->requests_size(); ++i) {
      if (request->requests(i).validate_only()) {
        return InvalidArgument(
            {{absl::StrCat("requests[", i, "].validate_only"),
              "is not allowed in bulk submits"}});
      }
      auto ready = parts_.intake->MakeReady(request->requests(i));
      if (!ready.ok()) return InRequest(i, ready.status());
      runs += (*ready)->prepared.run_count;
      bytes += (*ready)->prepared.bytes;
      if (absl::Status s = CheckAll(runs, bytes, parts_.intake->limits());
          !s.ok()) {
        return s;
      }
      jobs->push_back(*std::move(ready));
    }
    return calls_.Write(
        context,
        [this, jobs](Tx& tx) -> absl::StatusOr<std::vector<Submitted>> {
          std::vector<Submitted> all;
          all.reserve(jobs->size());
          for (size_t i = 0; i < jobs->size(); ++i) {
            absl::StatusOr<Submitted> one =
                Submit(tx, (*jobs)[i]->prepared, parts_.intake->limits());
            if (!one.ok()) return InRequest(static_cast<int>(i), one.status());
            all.push_back(*std::move(one));
          }
          return all;
        },
        [response](const std::vector<Submitted>& all) {
          for (const Submitted& submitted : all) {
            Answer(submitted, response->add_responses());
          }
        });
  });
}

}  // namespace sheaf::server
