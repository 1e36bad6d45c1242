// JobsHandler: SubmitJob and SubmitJobs.
#include <random>

#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "queue/submit.h"
#include "server/call.h"
#include "server/convert.h"
#include "server/jobs_handler.h"

namespace sheaf::server {
namespace {

using PreparedJobs = std::vector<std::shared_ptr<const PreparedJob>>;

// A rehearsal ends with this, so that the store takes everything back.
constexpr char kRehearsed[] = "rehearsed";

absl::StatusOr<std::shared_ptr<const PreparedJob>> PrepareRequest(
    const pb::SubmitJobRequest& request) {
  SHEAF_ASSIGN_OR_RETURN(NewJob job, FromProto(request));
  SHEAF_ASSIGN_OR_RETURN(PreparedJob prepared,
                         Prepare(std::move(job), DrawEntropy()));
  return std::make_shared<const PreparedJob>(std::move(prepared));
}

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

// Checks everything a submit would meet, and keeps nothing.
grpc::ServerUnaryReactor* Rehearse(Core& core,
                                   grpc::CallbackServerContext* context,
                                   std::shared_ptr<const PreparedJob> prepared,
                                   pb::SubmitJobResponse* response) {
  auto* reactor = context->DefaultReactor();
  auto submitted = std::make_shared<Submitted>();
  core.store->Write(
      [prepared, submitted,
       quota = core.owner_queued_max](Tx& tx) -> absl::Status {
        SHEAF_ASSIGN_OR_RETURN(*submitted, Submit(tx, *prepared, quota));
        return absl::AbortedError(kRehearsed);
      },
      [reactor, submitted, response](const absl::Status& status) {
        if (status.message() != kRehearsed) {
          return reactor->Finish(ToGrpcStatus(status));
        }
        ToProto(submitted->job, response->mutable_job());
        response->set_replayed(submitted->replayed);
        // A number that nothing has.
        if (!submitted->replayed) response->mutable_job()->clear_name();
        reactor->Finish(grpc::Status::OK);
      },
      CallOf(*context));
  return reactor;
}

}  // namespace

uint64_t DrawEntropy() {
  thread_local std::mt19937_64 random = [] {
    std::random_device device;
    return std::mt19937_64((uint64_t{device()} << 32) | device());
  }();
  return random();
}

grpc::ServerUnaryReactor* JobsHandler::SubmitJob(
    grpc::CallbackServerContext* context, const pb::SubmitJobRequest* request,
    pb::SubmitJobResponse* response) {
  if (absl::Status s = Admit(core_, *context, *request); !s.ok()) {
    return Refuse(context, s);
  }
  auto prepared = PrepareRequest(*request);
  if (!prepared.ok()) return Refuse(context, prepared.status());
  if (request->validate_only()) {
    return Rehearse(core_, context, *std::move(prepared), response);
  }
  return WriteCall(
      core_, context,
      [this, prepared = *std::move(prepared)](Tx& tx) {
        return Submit(tx, *prepared, core_.owner_queued_max);
      },
      [response](const Submitted& submitted) {
        ToProto(submitted.job, response->mutable_job());
        response->set_replayed(submitted.replayed);
      });
}

grpc::ServerUnaryReactor* JobsHandler::SubmitJobs(
    grpc::CallbackServerContext* context, const pb::SubmitJobsRequest* request,
    pb::SubmitJobsResponse* response) {
  if (absl::Status s = Admit(core_, *context, *request); !s.ok()) {
    return Refuse(context, s);
  }
  auto jobs = std::make_shared<PreparedJobs>();
  size_t runs = 0;
  for (int i = 0; i < request->requests_size(); ++i) {
    if (request->requests(i).validate_only()) {
      return Refuse(
          context,
          InvalidArgument({{absl::StrCat("requests[", i, "].validate_only"),
                            "is not for bulk submits"}}));
    }
    auto prepared = PrepareRequest(request->requests(i));
    if (!prepared.ok()) return Refuse(context, InRequest(i, prepared.status()));
    runs += (*prepared)->job.runs.size();
    if (runs > kRunsPerJobMax) {
      return Refuse(context,
                    Error(Reason::kTooManyRuns,
                          absl::StrCat("the request has more than ",
                                       kRunsPerJobMax, " runs in all")));
    }
    jobs->push_back(*std::move(prepared));
  }
  return WriteCall(
      core_, context,
      [this, jobs](Tx& tx) -> absl::StatusOr<std::vector<Submitted>> {
        std::vector<Submitted> all;
        all.reserve(jobs->size());
        for (size_t i = 0; i < jobs->size(); ++i) {
          absl::StatusOr<Submitted> one =
              Submit(tx, *(*jobs)[i], core_.owner_queued_max);
          if (!one.ok()) return InRequest(static_cast<int>(i), one.status());
          all.push_back(*std::move(one));
        }
        return all;
      },
      [response](const std::vector<Submitted>& all) {
        for (const Submitted& submitted : all) {
          pb::SubmitJobResponse* one = response->add_responses();
          ToProto(submitted.job, one->mutable_job());
          one->set_replayed(submitted.replayed);
        }
      });
}

}  // namespace sheaf::server
