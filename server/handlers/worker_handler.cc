#include "server/handlers/worker_handler.h"

#include <atomic>
#include <set>

#include "absl/strings/str_cat.h"
#include "base/crash_point.h"
#include "base/log/log.h"
#include "base/status.h"
#include "queue/leasing/finish.h"
#include "queue/leasing/lease_ends.h"
#include "server/handlers/call.h"
#include "server/handlers/checkpoints.h"
#include "server/handlers/worker_claim.h"
#include "server/scheduling/batch_meter.h"
#include "server/scheduling/lease_broker.h"
#include "server/scheduling/turns.h"
#include "server/scheduling/workers.h"
#include "server/telemetry/event_hub.h"
#include "server/telemetry/previews.h"
#include "server/telemetry/progress.h"
#include "server/wire/convert.h"
#include "server/wire/convert_memory.h"

namespace sheaf::server {
namespace {

constexpr absl::Duration kWaitMax = absl::Seconds(60);
// What is left of a batch that need not give way.
constexpr absl::Duration kDoneSoon = absl::Seconds(1);

BatchId BatchOf(const std::string& name) {
  return ParseBatchName(name).value_or(BatchId{});
}

// A run begins anew, or has ended.
void Forget(Core& core, RunId run) {
  core.progress->Forget(run);
  core.previews->Forget(run);
}

// A parked LeaseBatch. Lives until gRPC is done with it, also while the
// broker's answer is still to come.
class LeaseReactor final : public grpc::ServerUnaryReactor {
 public:
  LeaseReactor(Core* core, pb::LeaseBatchResponse* response)
      : core_(core), response_(response) {}

  void Start(Lessee who, absl::Duration wait) {
    who_ = std::move(who);
    const int64_t handle = core_->broker->Wait(
        who_, core_->now() + wait,
        [this](absl::StatusOr<std::optional<Leased>> answer) {
          Answered(std::move(answer));
        });
    handle_ = handle;
    const bool has_order =
        !who_.beside && core_->workers->MustCalibrate(who_.id);
    if (cancelled_ || has_order) core_->broker->Drop(handle);
    Unref();
  }

  void OnCancel() override {
    cancelled_ = true;
    if (handle_ != 0) core_->broker->Drop(handle_);
  }
  void OnDone() override { Unref(); }

 private:
  void Answered(absl::StatusOr<std::optional<Leased>> answer) {
    if (!answer.ok()) return Finish(ToGrpcStatus(answer.status()));
    if (answer->has_value() && cancelled_) {
      // Nobody had it: neither its owners nor its worker.
      HandBack(**answer);
    } else if (answer->has_value()) {
      const absl::Time now = core_->now();
      core_->turns->Took(**answer, who_,
                         core_->meter->Started(**answer, who_, now), now);
      Offer(**answer);
    }
    // What steps other rows has no ear for it.
    if (!who_.beside && !cancelled_) {
      response_->set_calibrate(core_->workers->TakeCalibrate(who_.id));
    }
    Finish(grpc::Status::OK);
  }

  void Offer(const Leased& leased) {
    for (const LeasedRun& run : leased.runs) Forget(*core_, run.run.id);
    ToProto(leased, response_->mutable_batch());
    response_->mutable_batch()->set_preview_steps(core_->preview_steps);
    OfferCheckpoints(*core_, leased, response_->mutable_batch());
  }

  // Nobody is there to take the batch.
  void HandBack(const Leased& leased) {
    core_->store->Write(
        [id = leased.batch.id](Tx& tx) {
          EndLease(tx, id, LeaseEnd::kHandedBack);
          return absl::OkStatus();
        },
        [](const absl::Status&) {}, {.own = true});
  }

  void Unref() {
    if (--references_ == 0) delete this;
  }

  Core* const core_;
  pb::LeaseBatchResponse* const response_;
  Lessee who_;
  std::atomic<int64_t> handle_ = 0;
  std::atomic<bool> cancelled_ = false;
  std::atomic<int> references_ = 2;  // Start, and gRPC
};

// A step that a report tells of a run that its lease holds and that does run.
// Nothing is taken of other runs, whoever's they are.
struct Told {
  RunId run;
  const pb::RunStep* step;
};
std::vector<Told> HeldSteps(Tx& tx, const Batch& batch,
                            const pb::ReportProgressRequest& request) {
  std::set<RunId> held(batch.runs.begin(), batch.runs.end());
  std::vector<Told> told;
  for (const pb::RunStep& step : request.steps()) {
    const auto id = ParseRunName(step.run());
    // Each once.
    if (!id || held.erase(*id) == 0 || batch.twins.contains(*id)) continue;
    const auto run = tx.FindRun(*id);
    if (run && run->state == RunState::kRunning) told.push_back({*id, &step});
  }
  return told;
}

// Whether the worker is to hand back what it steps, for what outranks that. Not
// what is done in a moment.
bool GivesWay(Core& core, Tx& tx, BatchId batch, const Lessee& who) {
  const auto outranked_by = OutrankedBy(tx, batch, who, core.lease_policy);
  if (!outranked_by) return false;
  const auto left = core.meter->FreeIn(who.id, core.now());
  if (left && absl::Milliseconds(*left) < kDoneSoon) return false;
  if (!core.turns->GivesWay(who.id, *outranked_by, core.now())) return false;
  Log(spdlog::level::info, "lease", "a batch gives way",
      {{"batch", NameOf(batch)},
       {"worker", who.name},
       {"to", NameOf(*outranked_by)}});
  return true;
}

void TellProgress(Core& core, const std::vector<Told>& told) {
  for (const auto& [run, step] : told) {
    StepProgress progress =
        core.progress->Note(run, step->step(), step->step_count(), core.now());
    if (!step->preview().empty()) {
      core.previews->Keep(run, step->step(), step->preview(), core.now());
    }
    progress.preview_step = core.previews->StepOf(run);
    core.events->Publish(run, progress);
  }
}

// Holds an ended batch against what was predicted.
void Measure(Core& core, BatchId batch) {
  const auto measured = core.meter->Finished(batch, core.now());
  if (!measured || !measured->plan) return;
  core.store->Write(
      [measured = *measured](Tx& tx) {
        tx.SavePlanBatchTime(measured.plan, measured.plan_batch,
                             measured.actual);
        return absl::OkStatus();
      },
      [](const absl::Status&) {});
}

// Whether a report found the batch there, and whether it ended it.
struct Ended {
  bool live = false;  // it was there before
  std::string queue;
  bool batch = false;  // with its last run
};

void Learn(Core& core, const pb::FinishRunsRequest& request,
           const FinishReport& report) {
  if (request.has_memory()) {
    core.meter->Held(report.hold.batch, FromProto(request.memory()));
  }
  if (request.has_engine_time()) {
    core.workers->NoteEngineTime(report.hold.worker,
                                 FromProto(request.engine_time()));
  }
}

void CountOutcomes(Core& core, const FinishReport& report,
                   const std::string& queue,
                   const std::vector<RunState>& states) {
  int64_t succeeded = 0;
  int64_t failed = 0;
  for (size_t i = 0; i < states.size(); ++i) {
    if (states[i] == RunState::kSucceeded) ++succeeded;
    const Outcome& outcome = report.outcomes[i].outcome;
    if (std::holds_alternative<RunError>(outcome)) ++failed;
    core.meter->Ended(report.hold.batch,
                      std::holds_alternative<Succeeded>(outcome));
    Forget(core, report.outcomes[i].run);
  }
  core.workers->CountRuns(report.hold.worker, succeeded, failed);
  if (!queue.empty()) {
    core.pace->Note(queue, static_cast<int>(states.size()), core.now());
  }
}

}  // namespace

grpc::ServerUnaryReactor* WorkerHandler::LeaseBatch(
    grpc::CallbackServerContext* context, const pb::LeaseBatchRequest* request,
    pb::LeaseBatchResponse* response) {
  if (absl::Status s = Admit(core_, *context, *request); !s.ok()) {
    return Refuse(context, s);
  }
  const absl::StatusOr<WorkerInfo> worker = WorkerOf(core_, *context, *request);
  if (!worker.ok()) return Refuse(context, worker.status());
  if (worker->draining) {
    response->set_drain(true);
    return Refuse(context, absl::OkStatus());
  }
  core_.workers->Heard(worker->lessee.id, core_.now());
  auto* reactor = new LeaseReactor(&core_, response);
  Lessee who = worker->lessee;
  who.beside = BatchOf(request->beside());
  who.beside_secret = request->secret();
  who.row_count = request->row_count();
  reactor->Start(std::move(who),
                 std::min(FromProto(request->wait()), kWaitMax));
  return reactor;
}

grpc::ServerUnaryReactor* WorkerHandler::ReportProgress(
    grpc::CallbackServerContext* context,
    const pb::ReportProgressRequest* request,
    pb::ReportProgressResponse* response) {
  if (absl::Status s = Admit(core_, *context, *request); !s.ok()) {
    return Refuse(context, s);
  }
  const Hold hold = HoldOf(*request);
  const std::optional<WorkerInfo> worker = core_.workers->Find(hold.worker);
  response->set_drain(worker && worker->draining);
  auto told = std::make_shared<std::vector<Told>>();
  return WriteCall(
      core_, context,
      [this, request, told, worker, hold](Tx& tx) -> absl::StatusOr<Orders> {
        const std::optional<Batch> batch = tx.FindBatch(hold.batch);
        const absl::Status held = CheckHold(batch, hold);
        // In words to a worker that knows no secrets; others know the sign.
        if (hold.secret.empty()) return held;
        if (!held.ok()) return Orders{.lost = true};
        *told = HeldSteps(tx, *batch, *request);
        const bool gives_way = worker && !worker->draining &&
                               GivesWay(core_, tx, hold.batch, worker->lessee);
        return Heartbeat(tx, hold, core_.lease_duration, gives_way);
      },
      [this, told, hold, response](const Orders& orders) {
        response->set_lease_lost(orders.lost);
        if (orders.lost) return;
        core_.workers->Heard(hold.worker, core_.now());
        TellProgress(core_, *told);
        SetTime(orders.lease_expire_time,
                response->mutable_lease_expire_time());
        for (RunId run : orders.cancel) response->add_cancel_runs(NameOf(run));
        for (RunId run : orders.release) {
          response->add_release_runs(NameOf(run));
        }
      },
      ReplyOf(*context));
}

grpc::ServerUnaryReactor* WorkerHandler::FinishRuns(
    grpc::CallbackServerContext* context, const pb::FinishRunsRequest* request,
    pb::FinishRunsResponse* response) {
  if (absl::Status s = Admit(core_, *context, *request); !s.ok()) {
    return Refuse(context, s);
  }
  auto report = std::make_shared<const FinishReport>(FromProto(*request));
  auto ended = std::make_shared<Ended>();
  return WriteCall(
      core_, context,
      [report, ended](Tx& tx) {
        *ended = {};
        const std::optional<Batch> batch = tx.FindBatch(report->hold.batch);
        ended->live = batch.has_value();
        if (batch) ended->queue = batch->queue;
        auto states = Finish(tx, *report);
        ended->batch = batch && !tx.FindBatch(report->hold.batch);
        SHEAF_CRASH_POINT("mid-finish");
        return states;
      },
      // Its hold is good: what it says is the worker's own word.
      [this, report, ended, request,
       response](const std::vector<RunState>& states) {
        core_.workers->Heard(report->hold.worker, core_.now());
        if (ended->live) Learn(core_, *request, *report);
        if (ended->live) CountOutcomes(core_, *report, ended->queue, states);
        if (ended->batch) Measure(core_, report->hold.batch);
        // An owner at their limit has room again.
        if (core_.owner_running_max > 0) core_.broker->Signal();
        for (RunState state : states) {
          response->add_states(static_cast<pb::RunState>(state));
        }
      },
      ReplyOf(*context));
}

grpc::ServerUnaryReactor* WorkerHandler::ReleaseLease(
    grpc::CallbackServerContext* context,
    const pb::ReleaseLeaseRequest* request,
    pb::ReleaseLeaseResponse* response) {
  if (absl::Status s = Admit(core_, *context, *request); !s.ok()) {
    return Refuse(context, s);
  }
  return WriteCall(
      core_, context,
      [hold = HoldOf(*request)](Tx& tx) {
        return sheaf::ReleaseLease(tx, hold);
      },
      [response](int count) { response->set_run_count(count); },
      ReplyOf(*context));
}

grpc::ServerUnaryReactor* WorkerHandler::DeregisterWorker(
    grpc::CallbackServerContext* context,
    const pb::DeregisterWorkerRequest* request, pb::DeregisterWorkerResponse*) {
  if (absl::Status s = Admit(core_, *context, *request); !s.ok()) {
    return Refuse(context, s);
  }
  const absl::StatusOr<WorkerInfo> worker = WorkerOf(core_, *context, *request);
  if (!worker.ok()) return Refuse(context, worker.status());
  const WorkerId id = worker->lessee.id;
  core_.broker->DropWorker(id);
  core_.workers->Remove(id);
  auto* reactor = context->DefaultReactor();
  EndLeasesOf(*core_.store, id, LeaseEnd::kHandedBack,
              [store = core_.store, reactor,
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
}

}  // namespace sheaf::server
