#include "server/convert_plan.h"

#include <google/protobuf/util/json_util.h>

#include <set>

#include "absl/strings/str_cat.h"
#include "batching/request_fields.h"
#include "server/convert.h"

namespace sheaf::server {
namespace {

using batching::Unplanned;

constexpr const char* kModeNames[] = {"", "strict", "mixed", "best"};

std::string Json(const google::protobuf::Message& message) {
  std::string json;
  // Our own message of plain fields: it cannot fail.
  (void)google::protobuf::util::MessageToJsonString(message, &json);
  return json;
}

void Parse(const std::string& json, google::protobuf::Message* message) {
  google::protobuf::util::JsonParseOptions lenient;
  lenient.ignore_unknown_fields = true;
  (void)google::protobuf::util::JsonStringToMessage(json, message, lenient);
}

absl::Duration Milliseconds(double ms) { return absl::Milliseconds(ms); }

const char* NameOf(Unplanned why) {
  switch (why) {
    case Unplanned::kKind:
      return "kind";
    case Unplanned::kNotQueued:
      return "not_queued";
    case Unplanned::kScheduled:
      return "scheduled";
    case Unplanned::kAlone:
      return "alone";
    case Unplanned::kTooVarious:
      return "too_various";
  }
  return "";
}

}  // namespace

std::string ModeName(batching::Mode mode) {
  return kModeNames[static_cast<int>(mode)];
}

std::string ReportJson(const batching::PlanReport& report, int batch_size) {
  pb::Plan plan;
  plan.set_batch_size(batch_size);
  pb::TimeEstimate* predicted = plan.mutable_predicted();
  SetDuration(Milliseconds(report.plan_ms), predicted->mutable_time());
  if (report.estimate.low_ms) {
    SetDuration(Milliseconds(*report.estimate.low_ms),
                predicted->mutable_low());
  }
  if (report.estimate.high_ms) {
    SetDuration(Milliseconds(*report.estimate.high_ms),
                predicted->mutable_high());
  }
  SetDuration(Milliseconds(report.baseline_ms), plan.mutable_baseline());
  SetDuration(Milliseconds(report.singles_ms), plan.mutable_singles());
  plan.set_gain(report.gain);
  plan.set_heuristic_speedup(report.heuristic_speedup);
  plan.set_profile(report.profile);
  plan.set_earlier_run_count(report.comparison.earlier);
  plan.set_later_run_count(report.comparison.later);
  for (const auto& warning : report.warnings) plan.add_warnings(warning.text);
  for (const auto& [why, count] : report.unplanned) {
    (*plan.mutable_unplanned())[NameOf(why)] = count;
  }
  return Json(plan);
}

std::string BatchJson(const batching::RowSet& set, const batching::Plan& plan,
                      const batching::PlannedBatch& batch) {
  pb::PlanBatch out;
  for (std::string& name : batching::ControlTypes(set, plan, batch)) {
    out.add_control_types(std::move(name));
  }
  out.set_reason(std::string(batching::TextOf(batch.end)));
  return Json(out);
}

void ToProto(const PlanRecord& plan, pb::Plan* out) {
  Parse(plan.report, out);
  out->set_name(sheaf::NameOf(plan.id));
  out->set_queue(absl::StrCat("queues/", plan.queue));
  out->set_state(static_cast<pb::PlanState>(plan.state));
  for (int mode = 1; mode <= 3; ++mode) {
    if (plan.mode == kModeNames[mode]) {
      out->set_mode(static_cast<pb::BatchingMode>(mode));
    }
  }
  out->set_live(plan.live);
  out->set_run_count(plan.run_count);
  out->set_job_count(plan.job_count);
  out->set_batch_count(plan.batch_count);
  out->set_text(plan.preview);
  SetTime(plan.create_time, out->mutable_create_time());
  SetTime(plan.expire_time, out->mutable_expire_time());
  PutTime(plan.execute_time, out, &pb::Plan::mutable_execute_time);
}

void ToProto(const PlanTimes& times, pb::Plan* out) {
  if (times.batches == 0) return;
  out->set_measured_batch_count(times.batches);
  SetDuration(times.predicted, out->mutable_measured_predicted());
  SetDuration(times.actual, out->mutable_measured_actual());
}

void ToProto(const WorkKind& kind, const batching::Calibration& calibration,
             pb::WorkCalibration* out) {
  out->set_device(kind.device);
  out->set_model(kind.model);
  out->set_width(kind.width);
  out->set_height(kind.height);
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
  out->set_name(sheaf::NameOf(batch));
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

void FillWeights(View& view, const PlanBatch& batch, pb::PlanBatch* out) {
  std::vector<std::map<std::string, double>> weights;
  std::set<std::string> types;
  for (const RunId run : batch.runs) {
    const RunParams params =
        Merge(view.SharedParams(run.job()), view.OwnParams(run));
    auto& own = weights.emplace_back();
    for (const auto& control : batching::LiveControls(params)) {
      own[control.type] = control.weight;
      types.insert(control.type);
    }
  }
  for (const auto& own : weights) {
    auto& map = *out->add_weights_list()->mutable_weights();
    for (const std::string& type : types) {
      const auto found = own.find(type);
      map[type] = found == own.end() ? 0.0 : found->second;
    }
  }
}

}  // namespace sheaf::server
