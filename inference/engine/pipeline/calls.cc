#include <algorithm>
#include <cmath>

#include "inference/engine/pipeline/begin.h"

namespace sheaf::engine {
namespace {

// The timestep at which one model hands over to the other.
double Cutoff(double part, int train_steps) {
  return std::nearbyint(train_steps - part * train_steps);
}

// The first call to make for the request's strength: 1 leaves all calls, 0
// leaves none.
size_t FirstAfterStrength(const RunRequest& request, const Program& whole) {
  const int wanted = std::min(
      static_cast<int>(request.steps * request.strength), request.steps);
  return static_cast<size_t>(request.steps - wanted) *
         static_cast<size_t>(whole.calls_per_step);
}

// The first call after another model's part of the way.
size_t FirstAfterStart(double start, const Program& whole, int train_steps) {
  const double cutoff = Cutoff(start, train_steps);
  auto count = static_cast<size_t>(
      std::count_if(whole.timesteps.begin(), whole.timesteps.end(),
                    [&](double timestep) { return timestep < cutoff; }));
  // A solver with two calls per step is not cut between the two.
  if (whole.calls_per_step == 2 && count % 2 == 0) ++count;
  return whole.timesteps.size() - std::min(count, whole.timesteps.size());
}

}  // namespace

absl::StatusOr<CallRange> CallsOf(const RunRequest& request,
                                  const Program& whole, int train_steps) {
  CallRange range = {0, whole.timesteps.size()};
  const bool from_picture =
      request.task == Task::kImage || request.task == Task::kInpaint;
  if (from_picture && request.denoising_start) {
    range.first = FirstAfterStart(*request.denoising_start, whole, train_steps);
  } else if (from_picture) {
    range.first = FirstAfterStrength(request, whole);
  }
  if (request.denoising_end) {
    const double cutoff = Cutoff(*request.denoising_end, train_steps);
    range.last = range.first;
    for (size_t i = range.first; i < whole.timesteps.size(); ++i) {
      if (whole.timesteps[i] >= cutoff) ++range.last;
    }
  }
  if (range.first >= range.last) {
    return absl::InvalidArgumentError(
        "strength, denoising_start and denoising_end leave no step to make");
  }
  return range;
}

}  // namespace sheaf::engine
