#include "inference/worker/session/model_measuring.h"

#include <algorithm>
#include <utility>

#include "spdlog/spdlog.h"

namespace sheaf::worker {
namespace {

// Idle time before measuring, so that work that comes in bursts does not find
// the device busy measuring.
constexpr absl::Duration kIdleBefore = absl::Seconds(1);

}  // namespace

void ModelMeasuring::Heard(const v1::WorkerSignal& signal) {
  if (signal.calibrate()) is_unknown_ = true;
}

absl::Duration ModelMeasuring::Wait(absl::Duration longest) const {
  if (measurer_ == nullptr) return longest;
  if (underway_ || is_told_) return absl::ZeroDuration();
  return measurer_->wants() ? std::min(longest, kIdleBefore) : longest;
}

void ModelMeasuring::Ran(const v1::LeasedBatch& batch) {
  underway_ = false;
  if (measurer_ == nullptr || !by_itself_ || !is_unknown_) return;
  measurer_->Want(batch);
}

void ModelMeasuring::Idle(const Terms& terms) {
  if (measurer_ == nullptr) return;
  if (std::exchange(is_told_, false)) measurer_->WantAll();
  underway_ = measurer_->wants();
  if (!underway_) return;
  for (v1::ReportProfileRequest& profile : measurer_->Advance()) {
    profile.set_worker(terms.worker);
    profile.set_worker_secret(terms.secret);
    const absl::Status status = client_->ReportProfile(profile);
    if (status.ok()) continue;
    spdlog::warn("the server did not take the profile of {}: {}",
                 profile.model(), status.ToString());
  }
  underway_ = measurer_->wants();
}

}  // namespace sheaf::worker
