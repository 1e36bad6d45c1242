// DEIS: a multistep method whose polynomials are in log(rho), rho being the
// noise level, integrated in closed form.
#include <algorithm>
#include <cmath>

#include "base/status.h"
#include "inference/engine/schedule/emit.h"

namespace sheaf::engine {
namespace {

// The antiderivative at rho of the Lagrange polynomial in log(rho) that is 1
// at b and 0 at c.
double Antiderivative2(double rho, double b, double c) {
  return rho * (std::log(rho) - std::log(c) - 1) / (std::log(b) - std::log(c));
}

// The same for 1 at b, 0 at c and d.
double Antiderivative3(double rho, double b, double c, double d) {
  const double t = std::log(rho);
  const double lb = std::log(b);
  const double lc = std::log(c);
  const double ld = std::log(d);
  const double numerator =
      rho * (lc * (ld - t + 1) - ld * t + ld + t * t - 2 * t + 2);
  return numerator / ((lb - lc) * (lb - ld));
}

double Weight2(double from, double to, double b, double c) {
  return Antiderivative2(to, b, c) - Antiderivative2(from, b, c);
}

double Weight3(double from, double to, double b, double c, double d) {
  return Antiderivative3(to, b, c, d) - Antiderivative3(from, b, c, d);
}

Form DeisUpdate(const std::vector<double>& rho, size_t i, int order,
                const StepBuilder& step) {
  const Level s = LevelOf(rho[i]);
  const Level t = LevelOf(rho[i + 1]);
  const Form sample = (1 / s.alpha) * step.Get(Register::kSample);
  const Form& m0 = step.History(0);
  const double from = rho[i];
  const double to = rho[i + 1];
  if (order == 1) return t.alpha * (sample + (to - from) * m0);
  const double p1 = rho[i - 1];
  if (order == 2) {
    return t.alpha * (sample + Weight2(from, to, from, p1) * m0 +
                      Weight2(from, to, p1, from) * step.History(1));
  }
  const double p2 = rho[i - 2];
  return t.alpha * (sample + Weight3(from, to, from, p1, p2) * m0 +
                    Weight3(from, to, p1, p2, from) * step.History(1) +
                    Weight3(from, to, p2, from, p1) * step.History(2));
}

int OrderOf(const SchedulerConfig& config, size_t i, size_t steps,
            int remembered) {
  constexpr size_t kFew = 15;
  const bool few = config.lower_order_final && steps < kFew;
  int order = std::min(config.solver_order, remembered + 1);
  if (i + 1 == steps && few) order = 1;
  if (i + 2 == steps && few) order = std::min(order, 2);
  return order;
}

}  // namespace

absl::StatusOr<Program> EmitDeis(const SchedulerConfig& config,
                                 const CompileOptions& options) {
  SHEAF_ASSIGN_OR_RETURN(const TrainLevels levels,
                         MakeTrainLevels(config, true));
  const Grid grid = MakeMultistepGrid(config, levels, options);
  Program program;
  FillFromGrid(grid, false, options.begin, &program);
  const size_t steps = grid.timesteps.size();
  for (size_t i = options.begin; i < steps; ++i) {
    const Level at = LevelOf(grid.sigmas[i]);
    StepBuilder step(grid.timesteps[i], 1);
    const PostOp post = PostOf(config, false);
    const Form clean =
        step.Predict(CleanSample(config.prediction, at.alpha, at.sigma), post);
    const Form noise = post.kind == PostOp::Kind::kNone
                           ? NoiseSample(config.prediction, at.alpha, at.sigma)
                           : (1 / at.sigma) * step.Get(Register::kSample) -
                                 (at.alpha / at.sigma) * clean;
    step.Push(noise, config.solver_order);
    const int remembered = static_cast<int>(i) - options.begin;
    step.Set(Register::kSample,
             DeisUpdate(grid.sigmas, i, OrderOf(config, i, steps, remembered),
                        step));
    program.steps.push_back(step.Finish());
  }
  return program;
}

}  // namespace sheaf::engine
