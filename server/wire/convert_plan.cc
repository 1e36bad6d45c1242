#include "server/wire/convert_plan.h"

#include <google/protobuf/util/json_util.h>

#include <set>

#include "absl/strings/str_cat.h"
#include "server/wire/convert.h"

namespace sheaf::server {
namespace {

void Parse(const std::string& json, google::protobuf::Message* message) {
  google::protobuf::util::JsonParseOptions lenient;
  lenient.ignore_unknown_fields = true;
  (void)google::protobuf::util::JsonStringToMessage(json, message, lenient);
}

}  // namespace

void ToProto(const PlanRecord& plan, pb::Plan* out) {
  Parse(plan.report, out);
  // A look that stored nothing has neither a name nor a state.
  if (plan.id) {
    out->set_name(sheaf::NameOf(plan.id));
    out->set_state(static_cast<pb::PlanState>(plan.state));
  }
  out->set_queue(absl::StrCat("queues/", plan.queue));
  using batching::Mode;
  for (const Mode mode : {Mode::kStrict, Mode::kMixed, Mode::kBest}) {
    if (plan.mode == batching::TextOf(mode)) {
      out->set_mode(static_cast<pb::BatchingMode>(mode));
    }
  }
  out->set_live(plan.live);
  out->set_run_count(plan.run_count);
  out->set_job_count(plan.job_count);
  out->set_batch_count(plan.batch_count);
  out->set_text(plan.preview);
  PutTime(plan.create_time, out, &pb::Plan::mutable_create_time);
  PutTime(plan.expire_time, out, &pb::Plan::mutable_expire_time);
  PutTime(plan.execute_time, out, &pb::Plan::mutable_execute_time);
}

void ToProto(const PlanTimes& times, pb::Plan* out) {
  if (times.batches == 0) return;
  out->set_measured_batch_count(times.batches);
  SetDuration(times.predicted, out->mutable_measured_predicted());
  SetDuration(times.actual, out->mutable_measured_actual());
}

void ToProto(const batching::WorkKind& kind,
             const batching::Calibration& calibration,
             pb::WorkCalibration* out) {
  out->set_device(kind.device);
  out->set_model(kind.model);
  out->set_width(kind.width);
  out->set_height(kind.height);
  out->set_control_count(kind.controls);
  out->set_batch_count(calibration.count);
  const batching::Estimate one = batching::EstimateOf(calibration, {1.0});
  out->set_calibrated(calibration.calibrated());
  if (!calibration.calibrated()) return;
  out->set_correction(one.ms);
  out->set_low(one.low_ms.value_or(one.ms));
  out->set_high(one.high_ms.value_or(one.ms));
}

void ToProto(const PlanBatch& batch, pb::PlanBatch* out) {
  Parse(batch.info, out);
  if (batch.plan) out->set_name(sheaf::NameOf(batch));
  SetDuration(batch.predicted, out->mutable_predicted());
  if (batch.actual) SetDuration(*batch.actual, out->mutable_actual());
  std::set<JobId> seen;
  for (const RunId run : batch.runs) {
    out->add_runs(sheaf::NameOf(run));
    if (seen.insert(run.job()).second) {
      out->add_jobs(sheaf::NameOf(run.job()));
    }
  }
}

}  // namespace sheaf::server
