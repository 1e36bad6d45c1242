// One call per step where sample = clean + sigma * noise: Euler, its ancestral
// form, EDM's Euler, and the linear multistep method (LMS).
#include <algorithm>
#include <cmath>

#include "base/status.h"
#include "inference/engine/schedule/emit.h"

namespace sheaf::engine {
namespace {

// The derivative's weight in [from, to] of one of the last `order` points:
// the integral of its Lagrange polynomial, exact for degree 3.
double LmsWeight(const std::vector<double>& sigmas, size_t at, int order,
                 int which) {
  const auto value = [&](double sigma) {
    double product = 1;
    for (int k = 0; k < order; ++k) {
      if (k == which) continue;
      product *=
          (sigma - sigmas[at - k]) / (sigmas[at - which] - sigmas[at - k]);
    }
    return product;
  };
  // Two Gauss points.
  const double middle = 0.5 * (sigmas[at] + sigmas[at + 1]);
  const double half = 0.5 * (sigmas[at + 1] - sigmas[at]);
  const double offset = half / std::sqrt(3.0);
  return half * (value(middle - offset) + value(middle + offset));
}

Form EulerStep(const Form& sample, const Form& clean, double sigma,
               double next) {
  return sample + ((next - sigma) / sigma) * (sample - clean);
}

}  // namespace

absl::StatusOr<Program> EmitEuler(const SchedulerConfig& config,
                                  const CompileOptions& options) {
  const bool is_edm = config.scheduler == SchedulerClass::kEdmEuler;
  const bool is_ancestral = config.scheduler == SchedulerClass::kEulerAncestral;
  SHEAF_ASSIGN_OR_RETURN(const TrainLevels levels,
                         MakeTrainLevels(config, true));
  Grid grid = is_edm ? MakeEdmGrid(config, options)
                     : MakeKarrasSpaceGrid(config, levels, options);
  if (config.continuous_steps && config.prediction == Prediction::kVelocity) {
    for (size_t i = 0; i < grid.timesteps.size(); ++i) {
      grid.timesteps[i] = 0.25 * std::log(grid.sigmas[i]);
    }
  }
  Program program;
  program.init_scale = is_edm ? std::hypot(*config.sigma_max, 1.0)
                              : KarrasSpaceInitScale(config, grid);
  FillFromGrid(grid, true, options.begin, &program);
  const double data = is_edm ? config.sigma_data : 1.0;
  for (size_t i = options.begin; i < grid.timesteps.size(); ++i) {
    const double sigma = grid.sigmas[i];
    const double next = grid.sigmas[i + 1];
    StepBuilder step(grid.timesteps[i], 1 / std::hypot(sigma, data));
    const Form clean =
        step.Predict(is_edm ? EdmClean(config, sigma)
                            : KarrasClean(config.prediction, sigma),
                     PostOp());
    const Form& sample = step.Get(Register::kSample);
    if (is_ancestral) {
      const AncestralLevels to = AncestralLevelsOf(sigma, next);
      step.Set(Register::kSample,
               EulerStep(sample, clean, sigma, to.down) + to.up * step.Noise());
    } else {
      step.Set(Register::kSample, EulerStep(sample, clean, sigma, next));
    }
    program.steps.push_back(step.Finish());
  }
  return program;
}

absl::StatusOr<Program> EmitLms(const SchedulerConfig& config,
                                const CompileOptions& options) {
  constexpr int kOrderMax = 4;
  SHEAF_ASSIGN_OR_RETURN(const TrainLevels levels,
                         MakeTrainLevels(config, true));
  const Grid grid = MakeKarrasSpaceGrid(config, levels, options);
  Program program;
  program.init_scale = KarrasSpaceInitScale(config, grid);
  FillFromGrid(grid, true, options.begin, &program);
  for (size_t i = options.begin; i < grid.timesteps.size(); ++i) {
    const double sigma = grid.sigmas[i];
    StepBuilder step(grid.timesteps[i], 1 / std::hypot(sigma, 1.0));
    const Form clean =
        step.Predict(KarrasClean(config.prediction, sigma), PostOp());
    Form next = step.Get(Register::kSample);
    step.Push((1 / sigma) * (next - clean), kOrderMax);
    // The order follows the place in the whole schedule; a late begin has
    // fewer derivatives than that, and the missing ones count as none.
    const int order = std::min(static_cast<int>(i) + 1, kOrderMax);
    const int kept = std::min(static_cast<int>(i) - options.begin + 1, order);
    for (int age = 0; age < kept; ++age) {
      next = next + LmsWeight(grid.sigmas, i, order, age) * step.History(age);
    }
    step.Set(Register::kSample, next);
    program.steps.push_back(step.Finish());
  }
  return program;
}

}  // namespace sheaf::engine
