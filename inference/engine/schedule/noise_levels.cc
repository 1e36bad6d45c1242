#include "inference/engine/schedule/noise_levels.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "absl/strings/str_cat.h"
#include "base/check.h"

namespace sheaf::engine {
namespace {

// The reference's single-precision line, to the last bit: from both ends
// towards the middle, each product and sum rounded once. Where timesteps are
// cut to whole numbers, that bit decides between 999 and 998.
std::vector<float> FloatLinspace(double first, double last, int count) {
  const auto start = static_cast<float>(first);
  const auto end = static_cast<float>(last);
  const float step = (end - start) / static_cast<float>(count - 1);
  std::vector<float> line(count);
  for (int i = 0; i < count; ++i) {
    line[i] = i < count / 2
                  ? std::fma(step, static_cast<float>(i), start)
                  : std::fma(-step, static_cast<float>(count - 1 - i), end);
  }
  return line;
}

double AlphaBar(BetaCurve curve, double t) {
  switch (curve) {
    case BetaCurve::kExponential:
      return std::exp(-12.0 * t);
    case BetaCurve::kLaplace: {
      const double side = std::copysign(1.0, 0.5 - t);
      const double log_snr =
          -0.5 * side * std::log(1 - 2 * std::fabs(0.5 - t) + 1e-6);
      const double snr = std::exp(log_snr);
      return std::sqrt(snr / (1 + snr));
    }
    default: {
      const double root = std::cos((t + 0.008) / 1.008 * std::numbers::pi / 2);
      return root * root;
    }
  }
}

// Betas such that the product of (1 - beta) follows a given curve.
std::vector<float> BetasForAlphaBar(BetaCurve curve, int count) {
  constexpr double kBetaMax = 0.999;
  std::vector<float> betas(count);
  for (int i = 0; i < count; ++i) {
    const double now = AlphaBar(curve, static_cast<double>(i) / count);
    const double next = AlphaBar(curve, static_cast<double>(i + 1) / count);
    betas[i] = static_cast<float>(std::min(1 - next / now, kBetaMax));
  }
  return betas;
}

std::vector<float> Betas(const SchedulerConfig& config) {
  if (!config.trained_betas.empty()) {
    return std::vector<float>(config.trained_betas.begin(),
                              config.trained_betas.end());
  }
  const int count = config.train_steps;
  switch (config.beta_curve) {
    case BetaCurve::kLinear:
      return FloatLinspace(config.beta_start, config.beta_end, count);
    case BetaCurve::kScaledLinear: {
      std::vector<float> betas = FloatLinspace(
          std::sqrt(config.beta_start), std::sqrt(config.beta_end), count);
      for (float& beta : betas) beta *= beta;
      return betas;
    }
    case BetaCurve::kSigmoid: {
      std::vector<float> betas = FloatLinspace(-6, 6, count);
      for (float& beta : betas) {
        beta = 1.0f / (1.0f + std::exp(-beta));
        beta = beta * static_cast<float>(config.beta_end - config.beta_start) +
               static_cast<float>(config.beta_start);
      }
      return betas;
    }
    default:
      return BetasForAlphaBar(config.beta_curve, count);
  }
}

// Accumulated in double and kept in single precision, as the reference does.
std::vector<float> CumulativeAlphas(const std::vector<float>& betas) {
  std::vector<float> alphas(betas.size());
  double product = 1;
  for (size_t i = 0; i < betas.size(); ++i) {
    product *= 1.0f - betas[i];
    alphas[i] = static_cast<float>(product);
  }
  return alphas;
}

// Shifts and stretches the square roots of the cumulative alphas so that the
// last is 0 and the first stays; returns the betas of that.
std::vector<float> BetasOfZeroSnr(const std::vector<float>& betas) {
  std::vector<float> roots = CumulativeAlphas(betas);
  for (float& root : roots) root = std::sqrt(root);
  const float first = roots.front();
  const float last = roots.back();
  const float stretch = first / (first - last);
  for (float& root : roots) root = (root - last) * stretch;
  std::vector<float> result(roots.size());
  float before = 1;
  for (size_t i = 0; i < roots.size(); ++i) {
    const float square = roots[i] * roots[i];
    result[i] = 1.0f - (i == 0 ? square : square / before);
    before = square;
  }
  return result;
}

// The continued fraction of the incomplete beta function (Lentz's method).
double BetaFraction(double x, double a, double b) {
  constexpr double kTiny = 1e-300;
  const auto guarded = [](double value) {
    return std::fabs(value) < kTiny ? kTiny : value;
  };
  double c = 1;
  double d = 1 / guarded(1 - (a + b) * x / (a + 1));
  double result = d;
  for (int m = 1; m < 500; ++m) {
    const double even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
    d = 1 / guarded(1 + even * d);
    c = guarded(1 + even / c);
    result *= d * c;
    const double odd =
        -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
    d = 1 / guarded(1 + odd * d);
    c = guarded(1 + odd / c);
    const double factor = d * c;
    result *= factor;
    if (std::fabs(factor - 1) < 1e-16) break;
  }
  return result;
}

// x^a (1-x)^b / (a B(a,b)) * fraction, on the side where it converges.
double RegularisedBeta(double x, double a, double b) {
  if (x <= 0) return 0;
  if (x >= 1) return 1;
  const double log_front = a * std::log(x) + b * std::log1p(-x) +
                           std::lgamma(a + b) - std::lgamma(a) - std::lgamma(b);
  const double front = std::exp(log_front);
  if (x < (a + 1) / (a + b + 2)) return front * BetaFraction(x, a, b) / a;
  return 1 - front * BetaFraction(1 - x, b, a) / b;
}

}  // namespace

absl::StatusOr<TrainLevels> MakeTrainLevels(const SchedulerConfig& config,
                                            bool sigma_family) {
  std::vector<float> betas = Betas(config);
  if (config.zero_snr) betas = BetasOfZeroSnr(betas);
  for (const float beta : betas) {
    if (!(beta > 0) || !(beta < 1 || (config.zero_snr && beta == 1))) {
      return absl::InvalidArgumentError(
          absl::StrCat("beta_start, beta_end, trained_betas: a beta of ", beta,
                       " is not between 0 and 1"));
    }
  }
  TrainLevels levels;
  levels.alphas_cumulative = CumulativeAlphas(betas);
  if (config.zero_snr && sigma_family) {
    levels.alphas_cumulative.back() = std::ldexp(1.0f, -24);
  }
  for (const float alpha : levels.alphas_cumulative) {
    levels.sigmas.push_back(std::sqrt((1.0f - alpha) / alpha));
  }
  return levels;
}

std::vector<double> Linspace(double first, double last, int count) {
  std::vector<double> line(count);
  const double step = count > 1 ? (last - first) / (count - 1) : 0;
  for (int i = 0; i < count; ++i) line[i] = i * step + first;
  if (count > 1) line.back() = last;
  return line;
}

std::vector<double> SpacedTimesteps(const SchedulerConfig& config, int steps,
                                    bool drops_last, int last_step) {
  const int points = drops_last ? steps + 1 : steps;
  std::vector<double> timesteps;
  switch (config.spacing) {
    case Spacing::kLinspace:
      timesteps = Linspace(0, last_step - 1, points);
      break;
    case Spacing::kLeading: {
      const int ratio = last_step / points;
      for (int i = 0; i < points; ++i) {
        timesteps.push_back(i * ratio + config.steps_offset);
      }
      break;
    }
    case Spacing::kTrailing: {
      const double ratio = static_cast<double>(config.train_steps) / steps;
      for (int i = 0; i < steps && last_step - i * ratio > 0; ++i) {
        // nearbyint: ties go to even, as numpy rounds.
        timesteps.push_back(std::nearbyint(last_step - i * ratio) - 1);
      }
      return timesteps;
    }
  }
  std::reverse(timesteps.begin(), timesteps.end());
  if (drops_last) timesteps.pop_back();
  return timesteps;
}

double SigmaAt(const std::vector<float>& sigmas, double timestep) {
  const double last = static_cast<double>(sigmas.size() - 1);
  if (timestep <= 0) return sigmas.front();
  if (timestep >= last) return sigmas.back();
  const auto low = static_cast<size_t>(timestep);
  const double slope = double{sigmas[low + 1]} - sigmas[low];
  return slope * (timestep - static_cast<double>(low)) + sigmas[low];
}

std::vector<float> LogOf(const std::vector<float>& sigmas) {
  std::vector<float> logs;
  for (const float sigma : sigmas) logs.push_back(std::log(sigma));
  return logs;
}

double TimestepOf(const std::vector<float>& log_sigmas, double sigma) {
  SHEAF_CHECK(log_sigmas.size() >= 2);
  const double log_sigma = std::log(std::max(sigma, 1e-10));
  // The last place whose logarithm is not above log_sigma, or 0; at most the
  // last but one.
  size_t low = 0;
  for (size_t i = 0; i < log_sigmas.size(); ++i) {
    if (log_sigma >= log_sigmas[i]) low = i;
  }
  low = std::min(low, log_sigmas.size() - 2);
  const float width = log_sigmas[low] - log_sigmas[low + 1];
  const double weight =
      std::clamp((log_sigmas[low] - log_sigma) / width, 0.0, 1.0);
  return (1 - weight) * static_cast<double>(low) +
         weight * static_cast<double>(low + 1);
}

std::vector<double> CurveSigmas(SigmaCurve curve, double min, double max,
                                int count, double rho) {
  std::vector<double> sigmas;
  if (curve == SigmaCurve::kKarras) {
    const double first = std::pow(max, 1 / rho);
    const double last = std::pow(min, 1 / rho);
    for (const double ramp : Linspace(0, 1, count)) {
      sigmas.push_back(std::pow(first + ramp * (last - first), rho));
    }
  } else if (curve == SigmaCurve::kExponential) {
    for (const double log : Linspace(std::log(max), std::log(min), count)) {
      sigmas.push_back(std::exp(log));
    }
  } else {
    SHEAF_CHECK(curve == SigmaCurve::kBeta);
    for (const double ramp : Linspace(0, 1, count)) {
      sigmas.push_back(min + BetaQuantile(1 - ramp, 0.6, 0.6) * (max - min));
    }
  }
  return sigmas;
}

double BetaQuantile(double p, double a, double b) {
  if (p <= 0) return 0;
  if (p >= 1) return 1;
  // Near an end the answer is as small as 1e-12: search its logarithm there,
  // on the side where it is small.
  const bool is_low = p < RegularisedBeta(0.5, a, b);
  const double target = is_low ? p : 1 - p;
  const double shape = is_low ? a : b;
  const double other = is_low ? b : a;
  double low = -700;  // e^-700 is about the smallest double.
  double high = std::log(0.5);
  for (int i = 0; i < 200 && high - low > 0; ++i) {
    const double middle = 0.5 * (low + high);
    if (middle == low || middle == high) break;
    (RegularisedBeta(std::exp(middle), shape, other) < target ? low : high) =
        middle;
  }
  const double x = std::exp(0.5 * (low + high));
  return is_low ? x : 1 - x;
}

}  // namespace sheaf::engine
