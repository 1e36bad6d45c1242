#include "inference/worker/torch/measurer.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "absl/strings/str_join.h"
#include "base/status.h"
#include "batching/pricing/calibration.h"
#include "spdlog/spdlog.h"

namespace sheaf::worker {
namespace {

// No device that we know of gains from more UNet rows than this.
constexpr int kRowsMax = 64;
// Most models and sizes to measure unasked; the server prices runs of other
// sizes by their pixels.
constexpr size_t kKindsMax = 64;

batching::Line LineThrough(const std::map<int, double>& points) {
  const auto& [few, few_ms] = *points.begin();
  const auto& [many, many_ms] = *points.rbegin();
  batching::Line line;
  if (many > few) line.b = std::max(0.0, (many_ms - few_ms) / (many - few));
  line.a = std::max(0.0, few_ms - line.b * few);
  return line;
}

const v1::RunRequest& FirstOf(const v1::LeasedBatch& batch) {
  return batch.runs(0).request();
}

}  // namespace

batching::Profile ProfileOf(const engine::Measurements& found) {
  batching::Profile profile;
  profile.measured = found.steps;
  profile.alone = !found.rows_agree;
  if (!found.rows_agree) {
    // Runs go one by one, each with its two rows: batching saves nothing.
    const auto& [rows, ms] = *std::prev(found.steps.upper_bound(2));
    profile.measured = {{1, ms / rows}, {kRowsMax, kRowsMax * ms / rows}};
  }
  profile.step = batching::FitHinge(profile.measured);
  double dearest = 0;
  for (const auto& [type, points] : found.controls) {
    const batching::Hinge hinge = batching::FitHinge(points);
    profile.controls[type] = hinge;
    // Control types of other names cost as much as the dearest.
    if (hinge.At(1) < dearest) continue;
    dearest = hinge.At(1);
    profile.control = hinge;
  }
  profile.encode = LineThrough(found.encodes);
  profile.decode = {0, found.decode};
  profile.swap = found.load;
  return profile;
}

void TorchMeasurer::WantAll() {
  done_.clear();
  for (const OfferedModel& model : models_->all()) {
    const Work work{model.alias, model.width, model.height};
    if (std::find(waiting_.begin(), waiting_.end(), work) == waiting_.end()) {
      waiting_.push_back(work);
    }
  }
}

void TorchMeasurer::Want(const v1::LeasedBatch& batch) {
  if (batch.runs().empty()) return;
  const v1::RunRequest& request = FirstOf(batch);
  const OfferedModel* const model = models_->Find(request.model());
  if (model == nullptr || done_.size() >= kKindsMax) return;
  const Work work{model->alias,
                  request.width() > 0 ? request.width() : model->width,
                  request.height() > 0 ? request.height() : model->height};
  if (done_.insert(work).second) waiting_.push_back(work);
}

void TorchMeasurer::Begin(const Work& work) {
  const OfferedModel& model = *models_->Find(work.alias);
  spdlog::info("measuring model {}", work.alias);
  measuring_ =
      runtime_->Measure({.model = model.place,
                         .controls = model.controls,
                         .width = work.width,
                         .height = work.height,
                         .budget = options_.budget,
                         .next_rows =
                             [](const std::map<int, double>& steps) {
                               return batching::NextToMeasure(steps, kRowsMax);
                             },
                         .self_test = options_.self_test});
}

std::vector<v1::ReportProfileRequest> TorchMeasurer::Advance() {
  if (waiting_.empty()) return {};
  const Work work = waiting_.front();
  if (measuring_ == nullptr) Begin(work);
  const absl::StatusOr<bool> more = measuring_->Advance();
  if (more.ok() && *more) return {};
  const std::unique_ptr<engine::Measuring> done = std::move(measuring_);
  waiting_.pop_front();
  done_.insert(work);
  if (!more.ok()) {
    spdlog::warn("model {} cannot be measured: {}", work.alias,
                 more.status().ToString());
    return {};
  }
  return ProfilesOf(work, done->found());
}

// Runs may name a model and a size or leave them out: both cases get a profile.
std::vector<v1::ReportProfileRequest> TorchMeasurer::ProfilesOf(
    const Work& work, const engine::Measurements& found) const {
  const batching::Profile profile = ProfileOf(found);
  spdlog::info(
      "measured model {} at {}x{}: a step takes {:.1f} ms for 1 row, {:.1f} ms "
      "for {}; loading {:.0f} ms, a picture {:.1f} ms{}",
      work.alias, found.width, found.height, profile.Step(1),
      found.steps.rbegin()->second, found.steps.rbegin()->first, found.load,
      found.decode,
      found.left_out.empty()
          ? ""
          : "; left out: " + absl::StrJoin(found.left_out, ", "));
  if (!found.rows_agree) {
    spdlog::warn(
        "model {}: rows give other numbers together than alone; they step one "
        "by one from now on",
        work.alias);
  }
  const OfferedModel& model = *models_->Find(work.alias);
  const bool is_own =
      model.width == 0 && model.height == 0
          ? found.own_size
          : model.width == found.width && model.height == found.height;
  std::vector<std::string> names = {work.alias};
  if (models_->Find("") == &model) names.emplace_back();
  v1::ReportProfileRequest report;
  report.set_device(runtime_->device().name);
  report.set_json(batching::Encode({{work.alias, profile}}));
  std::vector<v1::ReportProfileRequest> reports;
  for (const std::string& name : names) {
    report.set_model(name);
    report.set_width(found.width);
    report.set_height(found.height);
    reports.push_back(report);
    if (!is_own) continue;
    report.set_width(0);
    report.set_height(0);
    reports.push_back(report);
  }
  return reports;
}

}  // namespace sheaf::worker
