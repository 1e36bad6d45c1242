#include "inference/worker/session/heartbeat.h"

#include <algorithm>
#include <iterator>

#include "inference/worker/session/retry_waits.h"
#include "spdlog/spdlog.h"

namespace sheaf::worker {
namespace {

// Largest preview that the wire takes. With at most so many previews, a report
// stays below the 4 MiB that servers take unless they are told otherwise.
constexpr std::size_t kPreviewBytesMax = 256 << 10;
constexpr std::size_t kPreviewsInReport = 12;

}  // namespace

v1::ReportProgressRequest DrawPreviews(ProgressReport report) {
  for (const auto& [place, preview] : report.previews) {
    v1::RunStep* const told = report.request.mutable_steps(place);
    absl::StatusOr<std::string> png = MakePng(preview.picture);
    if (!png.ok()) {
      spdlog::debug("{}: no preview: {}", told->run(), png.status().ToString());
      continue;
    }
    if (png->size() > kPreviewBytesMax) continue;
    told->set_step(preview.step);
    told->set_preview(*std::move(png));
  }
  return std::move(report.request);
}

Heartbeat::Heartbeat(absl::Duration preview_pause)
    : preview_pause_(preview_pause), backoff_(kRetryFirst, kRetryLongest) {}

void Heartbeat::Begin(const v1::LeasedBatch& batch, const Terms& terms,
                      absl::Time now) {
  claim_ = LeaseClaim(terms.worker, batch);
  runs_.clear();
  for (const v1::LeasedRun& run : batch.runs()) runs_.push_back(run.run());
  steps_.assign(runs_.size(), RowSteps());
  lease_duration_ = terms.lease_duration;
  interval_ = terms.heartbeat_interval;
  lease_end_ = now + lease_duration_;
  report_time_ = now + interval_;
  last_report_time_ = now;
  backoff_.Reset();
  previews_.clear();
  reply_ = {};
}

void Heartbeat::Stepped(std::vector<RowSteps> steps) {
  steps_ = std::move(steps);
  steps_.resize(runs_.size());
}

bool Heartbeat::TakePreviews(std::vector<RowPreview> previews) {
  for (RowPreview& preview : previews) {
    previews_[runs_[preview.row]] = std::move(preview);
  }
  const absl::Time soon = last_report_time_ + preview_pause_;
  if (soon >= report_time_) return false;
  report_time_ = soon;
  return true;
}

ProgressReport Heartbeat::Take(const std::vector<bool>& has_outcome,
                               absl::Time now) {
  ProgressReport report;
  claim_.ShowIn(&report.request);
  for (std::size_t row = 0; row < runs_.size(); ++row) {
    if (has_outcome[row]) continue;
    v1::RunStep* step = report.request.add_steps();
    step->set_run(runs_[row]);
    step->set_step(steps_[row].step);
    step->set_step_count(steps_[row].step_count);
  }
  report.previews = PreviewsFor(report.request);
  last_report_time_ = now;
  report_time_ = now + interval_;
  return report;
}

// Takes the previews that wait, each with its place in the request.
std::vector<std::pair<int, RowPreview>> Heartbeat::PreviewsFor(
    const v1::ReportProgressRequest& request) {
  std::vector<std::pair<int, RowPreview>> previews;
  for (int place = 0; place < request.steps_size(); ++place) {
    const auto found = previews_.find(request.steps(place).run());
    if (found == previews_.end()) continue;
    previews.emplace_back(place, std::move(found->second));
  }
  previews_.clear();
  if (previews.size() > kPreviewsInReport) {
    // The rows take turns.
    std::rotate(previews.begin(),
                previews.begin() + preview_turn_ % previews.size(),
                previews.end());
    previews.resize(kPreviewsInReport);
    preview_turn_ += kPreviewsInReport;
  }
  return previews;
}

bool Heartbeat::Answered(const v1::ReportProgressResponse& answer,
                         absl::Time now) {
  lease_end_ = now + lease_duration_;
  backoff_.Reset();
  if (answer.lease_lost()) return false;
  std::copy(answer.cancel_runs().begin(), answer.cancel_runs().end(),
            std::back_inserter(reply_.cancel_runs));
  std::copy(answer.release_runs().begin(), answer.release_runs().end(),
            std::back_inserter(reply_.release_runs));
  return !answer.cancel_runs().empty() || !answer.release_runs().empty();
}

void Heartbeat::Failed(absl::Time now) {
  report_time_ = std::min(report_time_, now + backoff_.Next());
}

}  // namespace sheaf::worker
