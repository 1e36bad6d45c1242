// The noise levels a model was trained on, and those a schedule visits.
//
// Numbers that the reference keeps in single precision are rounded to single
// precision here, too: near the clean end 1 - alpha loses most of its digits to
// that, and the reference makes pictures with the digits that are left.
#pragma once

#include <vector>

#include "absl/status/statusor.h"
#include "inference/engine/schedule/scheduler_config.h"

namespace sheaf::engine {

// Per training step, from clean to noisy.
struct TrainLevels {
  std::vector<float> alphas_cumulative;
  std::vector<float> sigmas;  // sqrt((1 - a) / a)
};

// `sigma_family`: with zero_snr, the last level is 2^-24 and not 0, so that
// sigmas stay finite. INVALID_ARGUMENT where betas leave (0, 1).
absl::StatusOr<TrainLevels> MakeTrainLevels(const SchedulerConfig& config,
                                            bool sigma_family);

// count numbers from `first` to `last`, both included; one number is `first`.
std::vector<double> Linspace(double first, double last, int count);

// Training steps to visit, noisy to clean. With `drops_last`, one step more is
// laid and the clean end dropped, as the multistep family does. `last_step`:
// how many training steps count (train_steps, unless clipped).
std::vector<double> SpacedTimesteps(const SchedulerConfig& config, int steps,
                                    bool drops_last, int last_step);

// Linear interpolation in the table of training sigmas.
double SigmaAt(const std::vector<float>& sigmas, double timestep);

// The fractional training step of that noise level, by interpolation between
// logarithms.
double TimestepOf(const std::vector<float>& log_sigmas, double sigma);

std::vector<float> LogOf(const std::vector<float>& sigmas);

// `count` levels from `max` down to `min` on that curve (not kTable, kLu).
std::vector<double> CurveSigmas(SigmaCurve curve, double min, double max,
                                int count, double rho = 7.0);

// x such that the regularised incomplete beta function I_x(a, b) is p; for
// a, b in (0, 1], where the density is largest at the ends.
double BetaQuantile(double p, double a, double b);

}  // namespace sheaf::engine
