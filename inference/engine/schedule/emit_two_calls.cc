// Two calls per step where sample = clean + sigma * noise: Heun, DPM2, its
// ancestral form, and DPM++ SDE. The first call looks ahead from kSaved, the
// second goes from there.
#include <algorithm>
#include <cmath>

#include "base/status.h"
#include "inference/engine/schedule/emit.h"

namespace sheaf::engine {
namespace {

// One entry per call: the first value, those in the middle twice each, and the
// last once, or twice with `doubles_last`.
std::vector<double> Doubled(const std::vector<double>& values,
                            bool doubles_last) {
  std::vector<double> result;
  for (size_t i = 0; i < values.size(); ++i) {
    const bool is_end = i == 0 || (i + 1 == values.size() && !doubles_last);
    result.insert(result.end(), is_end ? 1 : 2, values[i]);
  }
  return result;
}

double GeometricMean(double a, double b) { return std::sqrt(a * b); }

struct TwoCalls {
  Grid grid;
  Program program;
};

absl::StatusOr<TwoCalls> Begin(const SchedulerConfig& config,
                               const CompileOptions& options) {
  SHEAF_ASSIGN_OR_RETURN(const TrainLevels levels,
                         MakeTrainLevels(config, true));
  TwoCalls result;
  result.grid = MakeKarrasSpaceGrid(config, levels, options);
  result.program.init_scale = KarrasSpaceInitScale(config, result.grid);
  result.program.calls_per_step = 2;
  return result;
}

// Fills in the program's timesteps and levels from lists with one entry per
// call.
void FillPerCall(std::vector<double> timesteps, std::vector<double> sigmas,
                 int begin, Program* program) {
  Grid grid;
  grid.timesteps = std::move(timesteps);
  grid.sigmas = std::move(sigmas);
  FillFromGrid(grid, true, begin, program);
}

// Whether a call is the first of its step: they alternate from `begin` on.
bool IsFirst(size_t call, int begin) {
  return (call - static_cast<size_t>(begin)) % 2 == 0;
}

}  // namespace

absl::StatusOr<Program> EmitHeun(const SchedulerConfig& config,
                                 const CompileOptions& options) {
  SHEAF_ASSIGN_OR_RETURN(TwoCalls two, Begin(config, options));
  const std::vector<double> sigmas = Doubled(two.grid.sigmas, false);
  std::vector<double> timesteps = Doubled(two.grid.timesteps, true);
  FillPerCall(timesteps, sigmas, options.begin, &two.program);
  for (size_t i = options.begin; i < timesteps.size(); ++i) {
    const bool first = IsFirst(i, options.begin);
    const double sigma = first ? sigmas[i] : sigmas[i - 1];
    const double next = first ? sigmas[i + 1] : sigmas[i];
    const double at = first ? sigma : next;
    StepBuilder step(timesteps[i], 1 / std::hypot(sigmas[i], 1.0));
    const Form clean = step.PredictRounded(KarrasClean(config.prediction, at),
                                           PostOf(config, true));
    const Form sample = step.Get(Register::kSample);
    const Form slope = (1 / at) * (sample - clean);
    if (first) {
      step.Set(Register::kSample, sample + (next - sigma) * slope);
      step.Set(Register::kSaved, sample);
      step.Push(slope, 1);
    } else {
      const Form mean = 0.5 * slope + 0.5 * step.History(0);
      step.Set(Register::kSample,
               step.Get(Register::kSaved) + (next - sigma) * mean);
    }
    two.program.steps.push_back(step.Finish());
  }
  return std::move(two.program);
}

namespace {

// DPM2's intermediate levels. A step's intermediate level lies between its own
// level and the next one or, in the ancestral form, the level to reach before
// noise is added.
struct Kdpm2Levels {
  std::vector<double> sigmas;   // One per call, and two more.
  std::vector<double> between;  // At the same places.
  std::vector<double> up;
  std::vector<double> down;
  std::vector<double> timesteps;  // One per call.
};

Kdpm2Levels LevelsOfKdpm2(const SchedulerConfig& config, const Grid& grid,
                          const std::vector<float>& log_sigmas) {
  const bool ancestral = config.scheduler == SchedulerClass::kKdpm2Ancestral;
  const size_t count = grid.sigmas.size();
  std::vector<double> between(count, 0);
  std::vector<double> up(count, 0);
  std::vector<double> down(count, 0);
  for (size_t i = 0; i + 1 < count; ++i) {
    const double sigma = grid.sigmas[i];
    const double next = grid.sigmas[i + 1];
    if (!ancestral) {
      between[i + 1] = Rounded(GeometricMean(sigma, next));
      continue;
    }
    const AncestralLevels levels = AncestralLevelsOf(sigma, next);
    up[i] = levels.up;
    down[i] = levels.down;
    if (i + 2 < count) between[i] = Rounded(GeometricMean(sigma, levels.down));
  }
  Kdpm2Levels result;
  const auto doubled = [](const std::vector<double>& values) {
    std::vector<double> list = Doubled(values, true);
    list.push_back(values.back());
    return list;
  };
  result.sigmas = doubled(grid.sigmas);
  result.between = doubled(between);
  result.up = doubled(up);
  result.down = doubled(down);
  result.timesteps.push_back(grid.timesteps[0]);
  for (size_t i = 1; i < grid.timesteps.size(); ++i) {
    const double middle = between[ancestral ? i - 1 : i];
    result.timesteps.push_back(TimestepOf(log_sigmas, middle));
    result.timesteps.push_back(grid.timesteps[i]);
  }
  return result;
}

}  // namespace

absl::StatusOr<Program> EmitKdpm2(const SchedulerConfig& config,
                                  const CompileOptions& options) {
  const bool ancestral = config.scheduler == SchedulerClass::kKdpm2Ancestral;
  SHEAF_ASSIGN_OR_RETURN(const TrainLevels levels,
                         MakeTrainLevels(config, true));
  SHEAF_ASSIGN_OR_RETURN(TwoCalls two, Begin(config, options));
  const Kdpm2Levels at = LevelsOfKdpm2(config, two.grid, LogOf(levels.sigmas));
  FillPerCall(at.timesteps, at.sigmas, options.begin, &two.program);
  for (size_t i = options.begin; i < at.timesteps.size(); ++i) {
    const bool first = IsFirst(i, options.begin);
    const double sigma = first ? at.sigmas[i] : at.sigmas[i - 1];
    // The plain form keeps a step's intermediate level one place later.
    const size_t place = ancestral ? (first ? i : i - 1) : (first ? i + 1 : i);
    const double between = at.between[place];
    const double seen = first ? sigma : between;
    StepBuilder step(at.timesteps[i], 1 / std::hypot(seen, 1.0));
    const Form clean =
        step.PredictRounded(KarrasClean(config.prediction, seen), PostOp());
    const Form sample = step.Get(Register::kSample);
    const Form slope = (1 / seen) * (sample - clean);
    if (first) {
      step.Set(Register::kSample, sample + (between - sigma) * slope);
      step.Set(Register::kSaved, sample);
    } else {
      const double next = ancestral ? at.down[i - 1] : at.sigmas[i];
      Form result = step.Get(Register::kSaved) + (next - sigma) * slope;
      if (ancestral) result = result + at.up[i - 1] * step.Noise();
      step.Set(Register::kSample, result);
    }
    two.program.steps.push_back(step.Finish());
  }
  return std::move(two.program);
}

absl::StatusOr<Program> EmitDpmSde(const SchedulerConfig& config,
                                   const CompileOptions& options) {
  SHEAF_ASSIGN_OR_RETURN(const TrainLevels levels,
                         MakeTrainLevels(config, true));
  SHEAF_ASSIGN_OR_RETURN(TwoCalls two, Begin(config, options));
  const std::vector<double> sigmas = Doubled(two.grid.sigmas, false);
  std::vector<double> timesteps = Doubled(two.grid.timesteps, true);
  const std::vector<float> log_sigmas = LogOf(levels.sigmas);
  for (size_t i = 1; i < timesteps.size(); i += 2) {
    timesteps[i] =
        TimestepOf(log_sigmas, GeometricMean(sigmas[i - 1], sigmas[i]));
  }
  FillPerCall(timesteps, sigmas, options.begin, &two.program);
  for (size_t i = options.begin; i < timesteps.size(); ++i) {
    const bool first = IsFirst(i, options.begin);
    const double sigma = first ? sigmas[i] : sigmas[i - 1];
    const double next = first ? sigmas[i + 1] : sigmas[i];
    const double middle = GeometricMean(sigma, next);
    const double seen = first ? sigma : middle;
    StepBuilder step(timesteps[i], 1 / std::hypot(seen, 1.0));
    const Form clean =
        step.Predict(KarrasClean(config.prediction, seen), PostOp());
    const Form sample = step.Get(Register::kSample);
    if (next == 0) {
      step.Set(Register::kSample, clean);
    } else if (first) {
      const AncestralLevels to = AncestralLevelsOf(sigma, middle);
      const double kept = to.down / sigma;
      const Form noise = step.Noise();
      step.Set(Register::kSample,
               kept * sample + (1 - kept) * clean + to.up * noise);
      step.Set(Register::kSaved, sample);
      step.Set(Register::kSavedNoise, noise);
    } else {
      const AncestralLevels to = AncestralLevelsOf(sigma, next);
      const double kept = to.down / sigma;
      // One Brownian motion drives both calls: its increment over the whole
      // step is that of the first half and a fresh one over the second.
      const double before = sigma - middle;
      const double after = middle - next;
      const double whole = std::sqrt(before + after);
      const Form noise =
          (std::sqrt(before) / whole) * step.Get(Register::kSavedNoise) +
          (std::sqrt(after) / whole) * step.Noise();
      step.Set(Register::kSample, kept * step.Get(Register::kSaved) +
                                      (1 - kept) * clean + to.up * noise);
    }
    two.program.steps.push_back(step.Finish());
  }
  return std::move(two.program);
}

}  // namespace sheaf::engine
