#include "server/wire/plan_answers.h"

#include "absl/strings/str_cat.h"
#include "batching/pricing/profile.h"
#include "server/wire/convert_plan.h"
#include "server/wire/page_token.h"

namespace sheaf::server {
namespace {

void WriteBatch(const batching::WeightedBatch& weighted, pb::PlanBatch* out) {
  ToProto(weighted.batch, out);
  for (const auto& weights : weighted.weights) {
    out->add_weights_list()->mutable_weights()->insert(weights.begin(),
                                                       weights.end());
  }
}

}  // namespace

void ToProto(const PlanService::Analysis& analysis,
             pb::AnalyzeQueueResponse* out) {
  out->set_message(analysis.message);
  if (analysis.plan) ToProto(*analysis.plan, out->mutable_plan());
  for (const batching::WeightedBatch& batch : analysis.batches) {
    WriteBatch(batch, out->add_batches());
  }
}

void ToProto(const AnalyzedAndExecuted& done,
             pb::AnalyzeAndExecuteResponse* out) {
  out->set_message(done.message);
  out->set_executed(done.executed);
  if (done.plan) ToProto(*done.plan, out->mutable_plan());
}

void ToProto(const PlanWithTimes& plan, pb::Plan* out) {
  ToProto(plan.plan, out);
  ToProto(plan.times, out);
}

void ToProto(const PlanPage& page, const std::string& question,
             pb::ListPlansResponse* out) {
  for (const PlanRecord& plan : page.plans) ToProto(plan, out->add_plans());
  if (page.next) {
    out->set_next_page_token(MakePageToken(question, page.next->value));
  }
}

void ToProto(const batching::PlanBatchPage& page, const std::string& question,
             pb::ListPlanBatchesResponse* out) {
  for (const batching::WeightedBatch& batch : page.batches) {
    WriteBatch(batch, out->add_batches());
  }
  if (page.next) {
    out->set_next_page_token(MakePageToken(question, *page.next));
  }
}

void ToProto(const Executed& executed, pb::ExecutePlanResponse* out) {
  ToProto(executed.plan, out->mutable_plan());
  out->set_replayed(executed.replayed);
  out->set_message(MessageOf(executed));
}

void ToProto(const batching::Explanation& explanation,
             pb::ExplainRunResponse* out) {
  out->set_strict(explanation.strict);
  out->set_mixed(explanation.mixed);
  out->set_text(explanation.Text());
  for (const batching::Difference& difference : explanation.differences) {
    auto* wire = out->add_differences();
    wire->set_field(difference.field);
    wire->set_value(difference.a);
    wire->set_other_value(difference.b);
    wire->set_blocks_strict(difference.blocks_strict);
    wire->set_blocks_mixed(difference.blocks_mixed);
  }
}

void ToProto(const BatchProfile& profile, pb::BatchProfile* out) {
  const std::string& name = profile.configured.name;
  out->set_name(name);
  out->set_json(batching::Encode({{name, profile.configured}}));
  for (const MeasuredWork& work : profile.measured) {
    pb::MeasuredProfile* measured = out->add_measured();
    measured->set_device(work.kind.device);
    measured->set_model(work.kind.model);
    measured->set_width(static_cast<int32_t>(work.kind.width));
    measured->set_height(static_cast<int32_t>(work.kind.height));
    measured->set_json(batching::Encode({{work.profile.name, work.profile}}));
  }
  for (const CalibratedWork& work : profile.works) {
    pb::WorkCalibration* calibration = out->add_calibrations();
    ToProto(work.kind, work.calibration, calibration);
    calibration->set_recommendation(work.recommendation);
    calibration->set_batch_size_max(work.batch_size_max);
  }
}

}  // namespace sheaf::server
