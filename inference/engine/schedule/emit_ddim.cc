// The schedulers of whole training steps: DDIM, DDPM, LCM, TCD. Each step
// predicts the clean sample and makes it noisy again, but less than before.
#include <algorithm>
#include <cmath>
#include <numeric>

#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "inference/engine/schedule/emit.h"

namespace sheaf::engine {
namespace {

// The cumulative alphas, by training step.
class Alphas {
 public:
  Alphas(const SchedulerConfig& config, TrainLevels levels)
      : levels_(std::move(levels)),
        final_(config.alpha_to_one ? 1.0 : levels_.alphas_cumulative.front()) {}

  // Before the first training step, the sample is (almost) clean.
  double at(int timestep) const {
    return timestep < 0 ? final_ : levels_.alphas_cumulative[timestep];
  }

 private:
  TrainLevels levels_;
  double final_;
};

// Everything that does not depend on the class.
struct Frame {
  Alphas alphas;
  std::vector<int> timesteps;
  Program program;
};

absl::StatusOr<Frame> MakeFrame(const SchedulerConfig& config,
                                const CompileOptions& options,
                                std::vector<double> timesteps) {
  SHEAF_ASSIGN_OR_RETURN(TrainLevels levels, MakeTrainLevels(config, false));
  Frame frame = {Alphas(config, std::move(levels)), {}, {}};
  frame.program.timesteps = timesteps;
  for (const double timestep : timesteps) {
    const int whole = static_cast<int>(std::nearbyint(timestep));
    if (whole < 0 || whole >= config.train_steps) {
      return absl::InvalidArgumentError(
          absl::StrCat("steps_offset: the schedule visits timestep ", whole,
                       ", and training had ", config.train_steps));
    }
    frame.timesteps.push_back(whole);
  }
  for (size_t i = options.begin; i < frame.timesteps.size(); ++i) {
    const double alpha = frame.alphas.at(frame.timesteps[i]);
    frame.program.renoise.push_back({std::sqrt(alpha), std::sqrt(1 - alpha)});
  }
  frame.program.renoise.push_back({1, 0});
  return frame;
}

std::vector<double> Spaced(const SchedulerConfig& config,
                           const CompileOptions& options) {
  if (!options.timesteps.empty()) return options.timesteps;
  std::vector<double> timesteps =
      SpacedTimesteps(config, options.steps, false, config.train_steps);
  for (double& timestep : timesteps) timestep = std::nearbyint(timestep);
  return timesteps;
}

// Distilled schedules take their timesteps from a coarse grid that ends at the
// noisiest step.
absl::StatusOr<std::vector<double>> Distilled(const SchedulerConfig& config,
                                              const CompileOptions& options) {
  if (!options.timesteps.empty()) return options.timesteps;
  const int origin = config.original_steps;
  if (origin > config.train_steps || options.steps > origin) {
    return absl::InvalidArgumentError(
        absl::StrCat(options.steps, " steps of original_inference_steps ",
                     origin, " of ", config.train_steps));
  }
  const int stride = config.train_steps / origin;
  const double spacing = static_cast<double>(origin) / options.steps;
  std::vector<double> timesteps;
  for (int i = 0; i < options.steps; ++i) {
    const int from_end = static_cast<int>(std::floor(i * spacing));
    timesteps.push_back((origin - from_end) * stride - 1);
  }
  return timesteps;
}

// The variance that DDIM and DDPM put back between two steps.
double PosteriorVariance(double alpha, double alpha_next) {
  return std::max(0.0,
                  (1 - alpha_next) / (1 - alpha) * (1 - alpha / alpha_next));
}

// The factor of the noise that DDPM puts back.
double DdpmDeviation(const SchedulerConfig& config, double alpha,
                     double alpha_next) {
  const double variance = std::max(PosteriorVariance(alpha, alpha_next), 1e-20);
  const double beta = 1 - alpha / alpha_next;
  if (config.variance_type == "fixed_large") return std::sqrt(beta);
  // As the reference has it: the square root of a logarithm, which is not
  // finite and will be refused.
  if (config.variance_type == "fixed_large_log") {
    return std::sqrt(std::log(beta));
  }
  return std::sqrt(variance);
}

}  // namespace

absl::StatusOr<Program> EmitDdim(const SchedulerConfig& config,
                                 const CompileOptions& options) {
  SHEAF_ASSIGN_OR_RETURN(Frame frame,
                         MakeFrame(config, options, Spaced(config, options)));
  const double eta = options.eta.value_or(0);
  // With every spacing, the next level is this many training steps on.
  const int stride = config.train_steps / options.steps;
  for (size_t i = options.begin; i < frame.timesteps.size(); ++i) {
    const int timestep = frame.timesteps[i];
    const double alpha = frame.alphas.at(timestep);
    const double alpha_next = frame.alphas.at(timestep - stride);
    StepBuilder step(timestep, 1);
    const double root = std::sqrt(alpha);
    const double deviation = std::sqrt(1 - alpha);
    const Form clean = step.Predict(
        CleanSample(config.prediction, root, deviation), PostOf(config, true));
    const Form noise = NoiseSample(config.prediction, root, deviation);
    const double put_back =
        eta * std::sqrt(PosteriorVariance(alpha, alpha_next));
    const double direction =
        std::sqrt(std::max(0.0, 1 - alpha_next - put_back * put_back));
    Form next = std::sqrt(alpha_next) * clean + direction * noise;
    if (eta > 0) next = next + put_back * step.Noise();
    step.Set(Register::kSample, next);
    frame.program.steps.push_back(step.Finish());
  }
  return std::move(frame.program);
}

absl::StatusOr<Program> EmitDdpm(const SchedulerConfig& config,
                                 const CompileOptions& options) {
  SHEAF_ASSIGN_OR_RETURN(Frame frame,
                         MakeFrame(config, options, Spaced(config, options)));
  for (size_t i = options.begin; i < frame.timesteps.size(); ++i) {
    const int timestep = frame.timesteps[i];
    const double alpha = frame.alphas.at(timestep);
    const double alpha_next = i + 1 < frame.timesteps.size()
                                  ? frame.alphas.at(frame.timesteps[i + 1])
                                  : 1.0;
    const double ratio = alpha / alpha_next;
    StepBuilder step(timestep, 1);
    const Form clean = step.Predict(
        CleanSample(config.prediction, std::sqrt(alpha), std::sqrt(1 - alpha)),
        PostOf(config, true));
    const double of_clean = std::sqrt(alpha_next) * (1 - ratio) / (1 - alpha);
    const double of_sample = std::sqrt(ratio) * (1 - alpha_next) / (1 - alpha);
    Form next = of_clean * clean + of_sample * step.Get(Register::kSample);
    if (timestep > 0) {
      next = next + DdpmDeviation(config, alpha, alpha_next) * step.Noise();
    }
    step.Set(Register::kSample, next);
    frame.program.steps.push_back(step.Finish());
  }
  return std::move(frame.program);
}

absl::StatusOr<Program> EmitLcm(const SchedulerConfig& config,
                                const CompileOptions& options) {
  SHEAF_ASSIGN_OR_RETURN(std::vector<double> timesteps,
                         Distilled(config, options));
  SHEAF_ASSIGN_OR_RETURN(Frame frame,
                         MakeFrame(config, options, std::move(timesteps)));
  constexpr double kDataVariance = 0.25;
  for (size_t i = options.begin; i < frame.timesteps.size(); ++i) {
    const int timestep = frame.timesteps[i];
    const double alpha = frame.alphas.at(timestep);
    StepBuilder step(timestep, 1);
    const Form clean = step.Predict(
        CleanSample(config.prediction, std::sqrt(alpha), std::sqrt(1 - alpha)),
        PostOf(config, true));
    const double scaled = timestep * config.timestep_scaling;
    const double variance = scaled * scaled + kDataVariance;
    const Form denoised =
        (scaled / std::sqrt(variance)) * clean +
        (kDataVariance / variance) * step.Get(Register::kSample);
    if (i + 1 < frame.timesteps.size()) {
      const double next = frame.alphas.at(frame.timesteps[i + 1]);
      step.Set(Register::kSample,
               std::sqrt(next) * denoised + std::sqrt(1 - next) * step.Noise());
    } else {
      step.Set(Register::kSample, denoised);
    }
    frame.program.steps.push_back(step.Finish());
  }
  return std::move(frame.program);
}

absl::StatusOr<Program> EmitTcd(const SchedulerConfig& config,
                                const CompileOptions& options) {
  SHEAF_ASSIGN_OR_RETURN(std::vector<double> timesteps,
                         Distilled(config, options));
  SHEAF_ASSIGN_OR_RETURN(Frame frame,
                         MakeFrame(config, options, std::move(timesteps)));
  const double eta = options.eta.value_or(0.3);
  for (size_t i = options.begin; i < frame.timesteps.size(); ++i) {
    const int timestep = frame.timesteps[i];
    const bool is_last = i + 1 == frame.timesteps.size();
    const int next = is_last ? 0 : frame.timesteps[i + 1];
    // In single precision, whose rounding decides where the product is almost
    // whole.
    const auto through = static_cast<int>(
        std::floor(static_cast<float>(1 - eta) * static_cast<float>(next)));
    const double alpha = frame.alphas.at(timestep);
    const double alpha_next = frame.alphas.at(next);
    const double alpha_through = frame.alphas.at(through);
    StepBuilder step(timestep, 1);
    const double root = std::sqrt(alpha);
    const double deviation = std::sqrt(1 - alpha);
    // This class neither clips nor thresholds.
    const Form clean =
        step.Predict(CleanSample(config.prediction, root, deviation), PostOp());
    const Form noise = NoiseSample(config.prediction, root, deviation);
    Form sample =
        std::sqrt(alpha_through) * clean + std::sqrt(1 - alpha_through) * noise;
    if (eta > 0 && !is_last) {
      const double kept = alpha_next / alpha_through;
      sample = std::sqrt(kept) * sample +
               std::sqrt(std::max(0.0, 1 - kept)) * step.Noise();
    }
    step.Set(Register::kSample, sample);
    frame.program.steps.push_back(step.Finish());
  }
  return std::move(frame.program);
}

}  // namespace sheaf::engine
