#include "batching/plan/plan_json.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/str_format.h"
#include "base/json.h"

namespace sheaf::batching {
namespace {

// "1.250000000s", as Protobuf writes durations, which end at some 10,000 years.
void AddDuration(JsonObject* object, std::string_view name, double ms) {
  constexpr double kSecondsMax = 315'576'000'000.0;
  if (std::isnan(ms)) return;
  const double seconds = std::clamp(ms / 1000, -kSecondsMax, kSecondsMax);
  object->Text(name, absl::StrFormat("%.9fs", seconds));
}

void AddNumber(JsonObject* object, std::string_view name, double number) {
  if (std::isfinite(number)) object->Number(name, number);
}

void AppendTexts(const std::vector<std::string>& texts, std::string* out) {
  *out += '[';
  for (const std::string& text : texts) {
    if (out->back() != '[') *out += ',';
    AppendJsonString(text, out);
  }
  *out += ']';
}

}  // namespace

std::string ReportJson(const PlanReport& report, int batch_size) {
  std::string out;
  JsonObject plan(&out);
  plan.Integer("batchSize", batch_size);
  plan.Name("predicted");
  JsonObject predicted(&out);
  AddDuration(&predicted, "time", report.plan_ms);
  if (report.estimate.low_ms) {
    AddDuration(&predicted, "low", *report.estimate.low_ms);
  }
  if (report.estimate.high_ms) {
    AddDuration(&predicted, "high", *report.estimate.high_ms);
  }
  predicted.Close();
  AddDuration(&plan, "baseline", report.baseline_ms);
  AddDuration(&plan, "singles", report.singles_ms);
  plan.Text("gain", report.gain);
  plan.Text("profile", report.profile);
  plan.Integer("earlierRunCount", report.comparison.earlier);
  plan.Integer("laterRunCount", report.comparison.later);
  std::vector<std::string> warnings;
  for (const WarningText& warning : report.warnings) {
    warnings.push_back(warning.text);
  }
  plan.Name("warnings");
  AppendTexts(warnings, &out);
  plan.Name("unplanned");
  JsonObject unplanned(&out);
  for (const auto& [why, count] : report.unplanned) {
    unplanned.Integer(WordsOf(why).name, count);
  }
  unplanned.Close();
  AddNumber(&plan, "heuristicSpeedup", report.heuristic_speedup);
  AddNumber(&plan, "speedup", report.speedup);
  plan.Text("verdict", NameOf(report.verdict));
  if (report.fullest_batches > 0) {
    plan.Integer("fullestBatchCount", report.fullest_batches);
    AddDuration(&plan, "fullestTime", report.fullest_ms);
  }
  plan.Close();
  return out;
}

std::string BatchJson(const RowSet& set, const Plan& plan,
                      const PlannedBatch& batch) {
  std::string out;
  JsonObject object(&out);
  object.Name("controlTypes");
  AppendTexts(ControlTypes(set, plan, batch), &out);
  object.Text("reason", TextOf(batch.end));
  object.Close();
  return out;
}

}  // namespace sheaf::batching
