#include "server/wire/convert_worker.h"

#include <cstddef>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "server/wire/convert.h"
#include "server/wire/convert_catalog.h"
#include "server/wire/convert_memory.h"

namespace sheaf::server {
namespace {

Names NamesOf(const google::protobuf::RepeatedPtrField<std::string>& list) {
  return std::vector<std::string>(list.begin(), list.end());
}

Names QueuesOf(const pb::RegisterWorkerRequest& request) {
  std::vector<std::string> queues;
  for (const std::string& queue : request.queues()) {
    queues.push_back(LastPart(queue));
  }
  return queues;
}

ErrorClass ClassFromProto(pb::ErrorClass in) {
  // An unclassified failure may pass.
  return in == pb::ERROR_CLASS_UNSPECIFIED ? ErrorClass::kTransient
                                           : static_cast<ErrorClass>(in);
}

Outcome OutcomeFromProto(const pb::RunOutcome& in) {
  switch (in.outcome_case()) {
    case pb::RunOutcome::kSuccess: {
      Succeeded success;
      for (const pb::Output& output : in.success().outputs()) {
        success.outputs.push_back(
            {LastPart(output.artifact()), output.name(), output.media_type()});
      }
      return success;
    }
    case pb::RunOutcome::kFailure:
      return RunError{ClassFromProto(in.failure().error_class()),
                      in.failure().message()};
    case pb::RunOutcome::kCancelled:
      return StoppedAsOrdered{};
    default:
      return HandedBack{};
  }
}

void LeasedToProto(const Leased& leased, pb::LeasedBatch* out) {
  out->set_name(NameOf(leased.batch.id));
  out->set_epoch(leased.batch.epoch);
  out->set_secret(leased.batch.secret);
  SetTime(leased.batch.lease_expire_time, out->mutable_lease_expire_time());
  out->set_queue(absl::StrCat("queues/", leased.batch.queue));
  out->set_kind(leased.kind);
  std::vector<RunParams> requests;
  for (const LeasedRun& run : leased.runs) {
    pb::LeasedRun* theirs = out->add_runs();
    theirs->set_run(NameOf(run.run.id));
    theirs->set_attempt(run.run.attempt);
    ToProto(run.params, theirs->mutable_request());
    requests.push_back(run.params);
  }
  ToProto(Common(requests), out->mutable_shared());
  for (const auto& weights : WeightsList(requests)) {
    out->add_weights_list()->mutable_weights()->insert(weights.begin(),
                                                       weights.end());
  }
}

}  // namespace

WorkerInfo FromProto(const pb::RegisterWorkerRequest& request) {
  WorkerInfo worker;
  worker.lessee.name = request.display_name();
  worker.lessee.queues = QueuesOf(request);
  worker.lessee.kinds = NamesOf(request.kinds());
  worker.lessee.models = NamesOf(request.models());
  worker.lessee.batch_size_max = request.batch_size_max();
  worker.lessee.pixels_max = request.pixels_max();
  worker.pixel_steps_max = request.pixel_steps_max();
  for (const pb::Device& device : request.devices()) {
    worker.devices.push_back({.name = device.name(),
                              .description = device.description(),
                              .memory_bytes = device.memory_bytes(),
                              .driver = device.driver(),
                              .build = device.build(),
                              .host = device.host()});
  }
  if (!worker.devices.empty()) {
    worker.lessee.device = IdentityOf(worker.devices[0]);
    worker.lessee.device_bytes = worker.devices[0].memory_bytes;
  }
  if (request.has_catalog()) {
    auto catalog = std::make_shared<Catalog>(FromProto(request.catalog()));
    worker.models = TableOf(*catalog);
    worker.catalog = std::move(catalog);
  }
  worker.version = request.version();
  worker.measures = request.measures();
  return worker;
}

void ToProto(const Welcome& welcome, pb::WorkerSignal* out) {
  SetDuration(welcome.lease_duration, out->mutable_lease_duration());
  SetDuration(welcome.heartbeat_interval, out->mutable_heartbeat_interval());
  out->set_calibrate(welcome.calibrate);
}

void ToProto(const WorkerNudge& nudge, pb::WorkerSignal* out) {
  out->set_report_now(nudge.report_now);
  out->set_drain(nudge.drain);
}

WorkQuestion FromProto(const pb::LeaseBatchRequest& request) {
  return {.beside = ParseBatchName(request.beside()).value_or(BatchId{}),
          .secret = request.secret(),
          .row_count = request.row_count(),
          .wait = FromProto(request.wait())};
}

void ToProto(const BatchOffer& offer, pb::LeaseBatchResponse* out) {
  out->set_drain(offer.drain);
  out->set_calibrate(offer.calibrate);
  if (!offer.leased) return;
  pb::LeasedBatch* batch = out->mutable_batch();
  LeasedToProto(*offer.leased, batch);
  batch->set_preview_steps(offer.preview_steps);
  batch->set_checkpoint_steps(offer.checkpoint_steps);
  for (size_t i = 0; i < offer.saved_steps.size(); ++i) {
    batch->mutable_runs(static_cast<int>(i))
        ->set_checkpoint_step(offer.saved_steps[i]);
  }
}

ProgressReport FromProto(const pb::ReportProgressRequest& request) {
  ProgressReport report{.claim = ClaimOf(request),
                        .memory_bytes = request.memory().peak_bytes()};
  for (const pb::RunStep& step : request.steps()) {
    report.steps.push_back({ParseRunName(step.run()).value_or(RunId()),
                            step.step(), step.step_count(), step.preview()});
  }
  return report;
}

void ToProto(const WorkerReports::Noted& noted,
             pb::ReportProgressResponse* out) {
  const HeartbeatReply& orders = noted.orders;
  out->set_drain(noted.drain);
  out->set_lease_lost(orders.lost);
  if (orders.lost) return;
  SetTime(orders.lease_expire_time, out->mutable_lease_expire_time());
  for (const RunId run : orders.cancel) out->add_cancel_runs(NameOf(run));
  for (const RunId run : orders.release) out->add_release_runs(NameOf(run));
}

EndReport FromProto(const pb::FinishRunsRequest& request) {
  EndReport report;
  report.finish.claim = ClaimOf(request);
  for (const pb::RunOutcome& outcome : request.outcomes()) {
    report.finish.outcomes.push_back(
        {ParseRunName(outcome.run()).value_or(RunId()), outcome.attempt(),
         OutcomeFromProto(outcome)});
  }
  if (request.has_memory()) report.memory = FromProto(request.memory());
  if (request.has_engine_time()) {
    report.engine_time = FromProto(request.engine_time());
  }
  return report;
}

void ToProto(const std::vector<RunState>& states, pb::FinishRunsResponse* out) {
  for (const RunState state : states) {
    out->add_states(static_cast<pb::RunState>(state));
  }
}

WorkKind MeasuredKind(const pb::ReportProfileRequest& request) {
  return {request.device(), request.model(), request.width(), request.height()};
}

}  // namespace sheaf::server
