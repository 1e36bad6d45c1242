#include "inference/worker/session/stall_watch.h"

#include <string>
#include <utility>

#include "absl/strings/str_cat.h"

namespace sheaf::worker {
namespace {

v1::RunOutcome StallOf(const v1::LeasedRun& run, absl::Duration limit) {
  v1::RunOutcome outcome;
  outcome.set_run(run.run());
  outcome.set_attempt(run.attempt());
  v1::RunError* error = outcome.mutable_failure();
  error->set_error_class(v1::ERROR_CLASS_ENGINE);
  const v1::RunRequest& wish = run.request();
  const std::string size =
      wish.has_width() && wish.has_height()
          ? absl::StrCat(" of ", wish.width(), "x", wish.height(), " pixels")
          : "";
  error->set_message(absl::StrCat(
      "stalled: a step", size, " did not end within ",
      absl::FormatDuration(limit),
      " (the worker's --stall-timeout), and no other run was on the engine"));
  return outcome;
}

}  // namespace

void StallWatch::Begin(const v1::LeasedBatch& batch, absl::Time now) {
  outcomes_.clear();
  for (const v1::LeasedRun& run : batch.runs()) {
    outcomes_.push_back(StallOf(run, limit_));
  }
  watches_ = true;
  progress_time_ = now;
}

bool StallWatch::Stalls(int64_t beats, absl::Time now) {
  if (!watches_) return false;
  if (std::exchange(beats_, beats) != beats) progress_time_ = now;
  if (now - progress_time_ < limit_) return false;
  watches_ = false;
  return true;
}

}  // namespace sheaf::worker
