// Compiles a configuration into a program.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "absl/status/statusor.h"
#include "inference/engine/schedule/program.h"
#include "inference/engine/schedule/scheduler_config.h"

namespace sheaf::engine {

struct CompileOptions {
  // Denoising steps the user asked for; 1 to train_steps.
  int steps = 0;
  // The first call to make, counted over the whole schedule: image-to-image and
  // refiners begin late, with an empty history.
  int begin = 0;
  // How much noise is put back (DDIM: 0 by default, TCD: 0.3).
  std::optional<double> eta;
  // Timesteps to visit in place of `steps` spaced ones, noisy to clean. For
  // Euler, Heun, DPM-Solver, DDPM, LCM and TCD without a sigma curve.
  std::vector<double> timesteps;
};

// Any thread. INVALID_ARGUMENT for options and configurations that have no
// meaning together: too many steps, a timestep that was never trained, an order
// that a solver has no formula for, coefficients that are not finite.
absl::StatusOr<std::shared_ptr<const Program>> Compile(
    const SchedulerConfig& config, const CompileOptions& options);

}  // namespace sheaf::engine
