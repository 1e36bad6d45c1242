#include "inference/engine/schedule/grid.h"

#include <algorithm>
#include <cmath>

namespace sheaf::engine {
namespace {

void AppendLast(double sigma, Grid* grid) {
  grid->sigmas.push_back(sigma);
  for (double& level : grid->sigmas) level = Rounded(level);
}

// A curve between the configured bounds or, without these, the given levels.
std::vector<double> Curve(const SchedulerConfig& config, double min, double max,
                          int steps) {
  return CurveSigmas(config.curve, config.sigma_min.value_or(min),
                     config.sigma_max.value_or(max), steps);
}

// How many training steps count where very noisy ones are cut off.
int LastStep(const SchedulerConfig& config, const TrainLevels& levels) {
  if (!config.lambda_min_clipped.has_value()) return config.train_steps;
  const auto lambda = [&](size_t i) {
    const float alpha = std::sqrt(levels.alphas_cumulative[i]);
    const float sigma = std::sqrt(1.0f - levels.alphas_cumulative[i]);
    return std::log(alpha) - std::log(sigma);
  };
  // Lambdas rise towards the clean end: this counts, from the noisy end, those
  // below the bound.
  const auto bound = static_cast<float>(*config.lambda_min_clipped);
  int clipped = 0;
  for (size_t i = levels.sigmas.size(); i-- > 0 && lambda(i) < bound;) {
    ++clipped;
  }
  return std::max(1, config.train_steps - clipped);
}

std::vector<double> TimestepsOf(const TrainLevels& levels,
                                const std::vector<double>& sigmas) {
  const std::vector<float> logs = LogOf(levels.sigmas);
  std::vector<double> timesteps;
  for (const double sigma : sigmas) {
    timesteps.push_back(TimestepOf(logs, sigma));
  }
  return timesteps;
}

// Levels at even distances between the logarithms of the table's ends.
std::vector<double> LogLinear(const TrainLevels& levels, int count) {
  const double first = std::log(levels.sigmas.back());
  const double last = std::log(levels.sigmas.front());
  std::vector<double> sigmas;
  for (const double log : Linspace(first, last, count)) {
    sigmas.push_back(std::exp(log));
  }
  return sigmas;
}

}  // namespace

double Rounded(double value) { return static_cast<float>(value); }

Grid MakeKarrasSpaceGrid(const SchedulerConfig& config,
                         const TrainLevels& levels,
                         const CompileOptions& options) {
  Grid grid;
  grid.timesteps = options.timesteps;
  if (grid.timesteps.empty()) {
    grid.timesteps =
        SpacedTimesteps(config, options.steps, false, config.train_steps);
  }
  // The levels are computed from timesteps in single precision.
  for (double& timestep : grid.timesteps) timestep = Rounded(timestep);
  const auto count = static_cast<int>(grid.timesteps.size());
  for (const double timestep : grid.timesteps) {
    grid.sigmas.push_back(SigmaAt(levels.sigmas, timestep));
  }
  if (config.log_linear_sigmas) grid.sigmas = LogLinear(levels, count + 1);
  if (config.curve != SigmaCurve::kTable) {
    grid.sigmas = Curve(config, grid.sigmas.back(), grid.sigmas.front(), count);
    grid.timesteps = TimestepsOf(levels, grid.sigmas);
    if (config.scheduler == SchedulerClass::kKdpm2 ||
        config.scheduler == SchedulerClass::kKdpm2Ancestral) {
      if (config.curve == SigmaCurve::kKarras) {
        for (double& timestep : grid.timesteps) {
          timestep = std::nearbyint(timestep);
        }
      }
    }
  }
  const bool keeps_last =
      config.scheduler == SchedulerClass::kEuler && !config.final_sigma_is_zero;
  AppendLast(keeps_last ? levels.sigmas.front() : 0.0, &grid);
  return grid;
}

Grid MakeMultistepGrid(const SchedulerConfig& config, const TrainLevels& levels,
                       const CompileOptions& options) {
  SchedulerConfig spaced = config;
  if (config.scheduler == SchedulerClass::kDpmSolverSinglestep) {
    // This class knows no other spacing.
    spaced.spacing = Spacing::kLinspace;
  }
  Grid grid;
  grid.timesteps = options.timesteps;
  if (grid.timesteps.empty()) {
    grid.timesteps =
        SpacedTimesteps(spaced, options.steps, true, LastStep(config, levels));
  }
  for (double& timestep : grid.timesteps) timestep = std::nearbyint(timestep);
  const double smallest = levels.sigmas.front();
  const double largest = levels.sigmas.back();
  double last = smallest;
  if (config.curve == SigmaCurve::kTable) {
    for (const double timestep : grid.timesteps) {
      grid.sigmas.push_back(SigmaAt(levels.sigmas, timestep));
    }
  } else {
    grid.sigmas = config.curve == SigmaCurve::kLu
                      ? LogLinear(levels, options.steps)
                      : Curve(config, smallest, largest, options.steps);
    grid.timesteps = TimestepsOf(levels, grid.sigmas);
    const bool rounds =
        config.curve == SigmaCurve::kKarras || config.curve == SigmaCurve::kLu;
    const bool keeps_fraction =
        config.scheduler == SchedulerClass::kDpmSolverMultistep &&
        config.beta_curve == BetaCurve::kCosine;
    for (double& timestep : grid.timesteps) {
      timestep = rounds && !keeps_fraction ? std::nearbyint(timestep)
                                           : std::trunc(timestep);
    }
    // The DPM-Solvers end at the table's smallest level, the others repeat the
    // curve's last.
    if (config.scheduler != SchedulerClass::kDpmSolverMultistep &&
        config.scheduler != SchedulerClass::kDpmSolverSinglestep) {
      last = grid.sigmas.back();
    }
  }
  const bool has_no_zero = config.scheduler == SchedulerClass::kDeis ||
                           config.scheduler == SchedulerClass::kSaSolver;
  AppendLast(config.final_sigma_is_zero && !has_no_zero ? 0.0 : last, &grid);
  return grid;
}

Grid MakeEdmGrid(const SchedulerConfig& config, const CompileOptions& options) {
  Grid grid;
  grid.sigmas = CurveSigmas(config.curve, *config.sigma_min, *config.sigma_max,
                            options.steps, config.rho);
  for (const double sigma : grid.sigmas) {
    grid.timesteps.push_back(0.25 * std::log(Rounded(sigma)));
  }
  const double last = grid.sigmas.back();
  AppendLast(config.final_sigma_is_zero ? 0.0 : last, &grid);
  return grid;
}

double KarrasSpaceInitScale(const SchedulerConfig& config, const Grid& grid) {
  const double max = *std::max_element(grid.sigmas.begin(), grid.sigmas.end());
  return config.spacing == Spacing::kLeading ? std::sqrt(max * max + 1) : max;
}

}  // namespace sheaf::engine
