#include "server/handlers/worker_handler.h"

#include <atomic>
#include <set>

#include "absl/strings/str_cat.h"
#include "base/crash_point.h"
#include "base/log/log.h"
#include "base/status.h"
#include "queue/leasing/finish.h"
#include "queue/leasing/lease_ends.h"
#include "server/handlers/calls.h"
#include "server/handlers/checkpoints.h"
#include "server/handlers/worker_claim.h"
#include "server/scheduling/batches_under_way.h"
#include "server/scheduling/lease_planner.h"
#include "server/scheduling/lease_waiters.h"
#include "server/scheduling/workers.h"
#include "server/telemetry/event_hub.h"
#include "server/telemetry/previews.h"
#include "server/telemetry/progress.h"
#include "server/wire/convert.h"
#include "server/wire/convert_memory.h"

namespace sheaf::server {
namespace {

using Parts = WorkerHandler::Parts;

constexpr absl::Duration kWaitMax = absl::Seconds(60);
// A batch that is done within this time need not give way.
constexpr absl::Duration kDoneSoon = absl::Seconds(1);

BatchId BatchOf(const std::string& name) {
  return ParseBatchName(name).value_or(BatchId{});
}

// A parked LeaseBatch. Lives until Start has returned and gRPC is done with it,
// which is only after the lease's answer.
class LeaseReactor final : public grpc::ServerUnaryReactor {
 public:
  LeaseReactor(Store* store, const Parts* parts,
               pb::LeaseBatchResponse* response)
      : store_(*store), parts_(*parts), response_(response) {}

  void Start(Lessee who, absl::Duration wait) {
    who_ = std::move(who);
    const int64_t handle = parts_.lease_waiters->Wait(
        who_, parts_.now() + wait,
        [this](absl::StatusOr<std::optional<Leased>> answer) {
          Answered(std::move(answer));
        });
    handle_ = handle;
    const bool has_order =
        !who_.beside && parts_.workers->MustCalibrate(who_.id);
    if (cancelled_ || has_order) parts_.lease_waiters->Drop(handle);
    Unref();
  }

  void OnCancel() override {
    cancelled_ = true;
    if (handle_ != 0) parts_.lease_waiters->Drop(handle_);
  }
  void OnDone() override { Unref(); }

 private:
  void Answered(absl::StatusOr<std::optional<Leased>> answer) {
    if (!answer.ok()) return Finish(ToGrpcStatus(answer.status()));
    if (answer->has_value() && cancelled_) {
      // Nobody got the batch, so it counts for neither its owners nor its
      // worker.
      HandBack(**answer);
    } else if (answer->has_value()) {
      const absl::Time now = parts_.now();
      parts_.planner->Took(**answer, who_,
                           parts_.under_way->Started(**answer, who_, now), now);
      Offer(**answer);
    }
    // A worker that is already stepping rows would ignore this flag.
    if (!who_.beside && !cancelled_) {
      response_->set_calibrate(parts_.workers->TakeCalibrate(who_.id));
    }
    Finish(grpc::Status::OK);
  }

  void Offer(const Leased& leased) {
    ToProto(leased, response_->mutable_batch());
    response_->mutable_batch()->set_preview_steps(parts_.preview_steps);
    OfferCheckpoints(*parts_.checkpoints, parts_.checkpoint_steps, leased,
                     response_->mutable_batch());
  }

  // Hands the batch back: nobody is there to take it.
  void HandBack(const Leased& leased) {
    store_.Write(
        [id = leased.batch.id](Tx& tx) {
          EndLease(tx, id, LeaseEnd::kHandedBack);
          return absl::OkStatus();
        },
        [](const absl::Status&) {}, {.own = true});
  }

  void Unref() {
    if (--references_ == 0) delete this;
  }

  Store& store_;
  const Parts& parts_;
  pb::LeaseBatchResponse* const response_;
  Lessee who_;
  std::atomic<int64_t> handle_ = 0;
  std::atomic<bool> cancelled_ = false;
  std::atomic<int> references_ = 2;  // Start, and gRPC
};

// A reported step of a run that the report's lease holds and that is running.
// Steps of other runs are ignored, whoever holds them.
struct Told {
  RunId run;
  const pb::RunStep* step;
  StepProgress progress;
};
// Notes the steps within the write. So a commit that ends the run, perhaps the
// write's own, is observed after them.
std::vector<Told> NoteSteps(const Parts& parts, Tx& tx, const Batch& batch,
                            const pb::ReportProgressRequest& request) {
  std::set<RunId> held(batch.runs.begin(), batch.runs.end());
  std::vector<Told> told;
  for (const pb::RunStep& step : request.steps()) {
    const auto id = ParseRunName(step.run());
    // Takes each run only once.
    if (!id || held.erase(*id) == 0 || batch.twins.contains(*id)) continue;
    const auto run = tx.FindRun(*id);
    if (!run || run->state != RunState::kRunning) continue;
    told.push_back(
        {*id, &step,
         parts.progress->Note(*id, step.step(), step.step_count(), tx.now())});
  }
  return told;
}

// Whether the worker should hand back the batch that it steps, for a waiting
// run that outranks it. A batch that is done in a moment stays.
bool GivesWay(const Parts& parts, Tx& tx, BatchId batch, const Lessee& who) {
  const auto outranked_by = OutrankedBy(tx, batch, who, parts.planner);
  if (!outranked_by) return false;
  const auto left = parts.under_way->FreeIn(who.id, parts.now());
  if (left && absl::Milliseconds(*left) < kDoneSoon) return false;
  if (!parts.planner->GivesWay(who.id, *outranked_by, parts.now()))
    return false;
  Log(spdlog::level::info, "lease",
      "a batch is handed back for a run of higher priority",
      {{"batch", NameOf(batch)},
       {"worker", who.name},
       {"to", NameOf(*outranked_by)}});
  return true;
}

// Leaves out runs that have ended since, and of which nothing may be kept.
void TellProgress(const Parts& parts, const std::vector<Told>& told) {
  for (auto [run, step, progress] : told) {
    if (!parts.progress->Find(run)) continue;
    if (!step->preview().empty()) {
      parts.previews->Keep(run, step->step(), step->preview(), parts.now());
    }
    progress.preview_step = parts.previews->StepOf(run);
    parts.events->Publish(run, progress);
  }
}

// Notes the figures that only the report holds. It is done within the write,
// since the end of the batch is observed before the report is answered.
void NoteFigures(const Parts& parts, const pb::FinishRunsRequest& request,
                 const LeaseClaim& claim) {
  if (request.has_memory()) {
    parts.under_way->Held(claim.batch, FromProto(request.memory()));
  }
  if (request.has_engine_time()) {
    parts.workers->NoteEngineTime(claim.worker,
                                  FromProto(request.engine_time()));
  }
}

}  // namespace

grpc::ServerUnaryReactor* WorkerHandler::LeaseBatch(
    grpc::CallbackServerContext* context, const pb::LeaseBatchRequest* request,
    pb::LeaseBatchResponse* response) {
  return calls_.Admitted(context, *request, [&](const Caller&) -> Begun {
    const absl::StatusOr<WorkerInfo> worker =
        WorkerOf(*parts_.workers, *context, *request);
    if (!worker.ok()) return worker.status();
    if (worker->draining) {
      response->set_drain(true);
      return Calls::Done(context);
    }
    parts_.workers->Heard(worker->lessee.id, parts_.now());
    auto* reactor = new LeaseReactor(&calls_.store(), &parts_, response);
    Lessee who = worker->lessee;
    who.beside = BatchOf(request->beside());
    who.beside_secret = request->secret();
    who.row_count = request->row_count();
    reactor->Start(std::move(who),
                   std::min(FromProto(request->wait()), kWaitMax));
    return reactor;
  });
}

grpc::ServerUnaryReactor* WorkerHandler::ReportProgress(
    grpc::CallbackServerContext* context,
    const pb::ReportProgressRequest* request,
    pb::ReportProgressResponse* response) {
  return calls_.Admitted(context, *request, [&](const Caller&) -> Begun {
    const LeaseClaim claim = ClaimOf(*request);
    const std::optional<WorkerInfo> worker = parts_.workers->Find(claim.worker);
    response->set_drain(worker && worker->draining);
    auto told = std::make_shared<std::vector<Told>>();
    return calls_.Write(
        context,
        [this, request, told, worker,
         claim](Tx& tx) -> absl::StatusOr<HeartbeatReply> {
          const std::optional<Batch> batch = tx.FindBatch(claim.batch);
          const absl::Status held = CheckClaim(batch, claim);
          // A worker that knows no secrets gets an error; others know
          // `lease_lost`.
          if (claim.secret.empty()) return held;
          if (!held.ok()) return HeartbeatReply{.lost = true};
          *told = NoteSteps(parts_, tx, *batch, *request);
          const bool gives_way =
              worker && !worker->draining &&
              GivesWay(parts_, tx, claim.batch, worker->lessee);
          return Heartbeat(tx, claim, parts_.lease_duration, gives_way);
        },
        [this, told, claim, response](const HeartbeatReply& orders) {
          response->set_lease_lost(orders.lost);
          if (orders.lost) return;
          parts_.workers->Heard(claim.worker, parts_.now());
          TellProgress(parts_, *told);
          SetTime(orders.lease_expire_time,
                  response->mutable_lease_expire_time());
          for (RunId run : orders.cancel)
            response->add_cancel_runs(NameOf(run));
          for (RunId run : orders.release) {
            response->add_release_runs(NameOf(run));
          }
        },
        ReplyOf(*context));
  });
}

grpc::ServerUnaryReactor* WorkerHandler::FinishRuns(
    grpc::CallbackServerContext* context, const pb::FinishRunsRequest* request,
    pb::FinishRunsResponse* response) {
  return calls_.Admitted(context, *request, [&](const Caller&) -> Begun {
    auto report = std::make_shared<const FinishReport>(FromProto(*request));
    return calls_.Write(
        context,
        [this, report, request](Tx& tx) {
          const bool live = tx.FindBatch(report->claim.batch).has_value();
          auto states = Finish(tx, *report);
          // The claim was good, so the report is the worker's own word.
          if (live && states.ok()) NoteFigures(parts_, *request, report->claim);
          SHEAF_CRASH_POINT("mid-finish");
          return states;
        },
        [this, report, response](const std::vector<RunState>& states) {
          parts_.workers->Heard(report->claim.worker, parts_.now());
          for (RunState state : states) {
            response->add_states(static_cast<pb::RunState>(state));
          }
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

grpc::ServerUnaryReactor* WorkerHandler::DeregisterWorker(
    grpc::CallbackServerContext* context,
    const pb::DeregisterWorkerRequest* request, pb::DeregisterWorkerResponse*) {
  return calls_.Admitted(context, *request, [&](const Caller&) -> Begun {
    const absl::StatusOr<WorkerInfo> worker =
        WorkerOf(*parts_.workers, *context, *request);
    if (!worker.ok()) return worker.status();
    const WorkerId id = worker->lessee.id;
    parts_.lease_waiters->DropWorker(id);
    parts_.workers->Remove(id);
    auto* reactor = context->DefaultReactor();
    EndLeasesOf(
        calls_.store(), id, LeaseEnd::kHandedBack,
        [store = &calls_.store(), reactor,
         name = worker->lessee.name](const absl::Status& ended) {
          store->Write(
              [name](Tx& tx) {
                tx.AppendEvent({.type = EventType::kWorkerLeft,
                                .worker = name,
                                .reason = "it said goodbye"});
                return absl::OkStatus();
              },
              [reactor, ended](const absl::Status& left) {
                reactor->Finish(ToGrpcStatus(ended.ok() ? left : ended));
              },
              {.own = true});
        });
    return reactor;
  });
}

}  // namespace sheaf::server
