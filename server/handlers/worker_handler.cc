#include "server/handlers/worker_handler.h"

#include <memory>
#include <utility>
#include <vector>

#include "base/status.h"
#include "queue/leasing/lease.h"
#include "server/handlers/call_options.h"
#include "server/handlers/calls.h"
#include "server/use_cases/worker_profile.h"
#include "server/wire/convert.h"
#include "server/wire/convert_worker.h"

namespace sheaf::server {
namespace {

// A LeaseBatch whose worker waits for work. Lives until gRPC is done with it,
// and gRPC knows of it only after the handler has returned it.
class LeaseReactor final : public grpc::ServerUnaryReactor {
 public:
  explicit LeaseReactor(pb::LeaseBatchResponse* response)
      : response_(response) {}

  void Ask(const BatchOffers& offers, const WorkerInfo& worker,
           const WorkQuestion& question) {
    asked_ = offers.Ask(worker, question,
                        [this](const absl::StatusOr<BatchOffer>& offer) {
                          if (offer.ok()) ToProto(*offer, response_);
                          Finish(ToGrpcStatus(offer.status()));
                        });
  }

  void OnCancel() override { asked_->Leave(); }
  void OnDone() override { delete this; }

 private:
  pb::LeaseBatchResponse* const response_;
  std::shared_ptr<BatchOffers::Asked> asked_;
};

// The worker in whose name the call is made.
template <class Request>
absl::StatusOr<WorkerInfo> WorkerOf(const WorkerSessions& sessions,
                                    const Caller& caller,
                                    const Request& request) {
  return sessions.Find(caller, request.worker(), request.worker_secret());
}

}  // namespace

WorkerHandler::WorkerHandler(const Calls& calls, const Parts& parts)
    : calls_(calls), parts_(parts) {}

grpc::ServerUnaryReactor* WorkerHandler::LeaseBatch(
    grpc::CallbackServerContext* context, const pb::LeaseBatchRequest* request,
    pb::LeaseBatchResponse* response) {
  return calls_.Admitted(context, *request, [&](const Caller& caller) -> Begun {
    SHEAF_ASSIGN_OR_RETURN(const WorkerInfo worker,
                           WorkerOf(*parts_.sessions, caller, *request));
    auto* reactor = new LeaseReactor(response);
    reactor->Ask(*parts_.offers, worker, FromProto(*request));
    return reactor;
  });
}

grpc::ServerUnaryReactor* WorkerHandler::ReportProgress(
    grpc::CallbackServerContext* context,
    const pb::ReportProgressRequest* request,
    pb::ReportProgressResponse* response) {
  return calls_.Admitted(context, *request, [&](const Caller&) -> Begun {
    auto report = std::make_shared<const ProgressReport>(FromProto(*request));
    return calls_.Write(
        context,
        [this, report](Tx& tx) { return parts_.reports->Note(tx, *report); },
        [this, report, response](const WorkerReports::Noted& noted) {
          parts_.reports->Tell(*report, noted);
          ToProto(noted, response);
        },
        ReplyOf(*context));
  });
}

grpc::ServerUnaryReactor* WorkerHandler::FinishRuns(
    grpc::CallbackServerContext* context, const pb::FinishRunsRequest* request,
    pb::FinishRunsResponse* response) {
  return calls_.Admitted(context, *request, [&](const Caller&) -> Begun {
    auto report = std::make_shared<const EndReport>(FromProto(*request));
    return calls_.Write(
        context,
        [this, report](Tx& tx) { return parts_.reports->End(tx, *report); },
        [this, report, response](const std::vector<RunState>& states) {
          parts_.reports->Heard(report->finish.claim);
          ToProto(states, response);
        },
        ReplyOf(*context));
  });
}

grpc::ServerUnaryReactor* WorkerHandler::ReleaseLease(
    grpc::CallbackServerContext* context,
    const pb::ReleaseLeaseRequest* request,
    pb::ReleaseLeaseResponse* response) {
  return calls_.Admitted(context, *request, [&](const Caller&) -> Begun {
    return calls_.Write(
        context,
        [claim = ClaimOf(*request)](Tx& tx) {
          return sheaf::ReleaseLease(tx, claim);
        },
        [response](int count) { response->set_run_count(count); },
        ReplyOf(*context));
  });
}

grpc::ServerUnaryReactor* WorkerHandler::ReportProfile(
    grpc::CallbackServerContext* context,
    const pb::ReportProfileRequest* request, pb::ReportProfileResponse*) {
  return calls_.Admitted(context, *request, [&](const Caller& caller) -> Begun {
    SHEAF_ASSIGN_OR_RETURN(const WorkerInfo worker,
                           WorkerOf(*parts_.sessions, caller, *request));
    SHEAF_RETURN_IF_ERROR(TakeProfile(parts_.prices, worker,
                                      MeasuredKind(*request), request->json()));
    return Calls::Done(context);
  });
}

grpc::ServerUnaryReactor* WorkerHandler::DeregisterWorker(
    grpc::CallbackServerContext* context,
    const pb::DeregisterWorkerRequest* request, pb::DeregisterWorkerResponse*) {
  return calls_.Admitted(context, *request, [&](const Caller& caller) -> Begun {
    SHEAF_ASSIGN_OR_RETURN(const WorkerInfo worker,
                           WorkerOf(*parts_.sessions, caller, *request));
    return Calls::Await(context, [&](auto done) {
      parts_.sessions->Leave(worker, std::move(done));
    });
  });
}

}  // namespace sheaf::server
