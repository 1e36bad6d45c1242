// SA-Solver: stochastic Adams methods, Bashforth to predict and Moulton to
// correct, in lambda = log(alpha / sigma).
//
// Its weights are small differences of large exponentials, so the reference's
// numbers depend on its single precision. Here they are computed in single
// precision, too.
#include <algorithm>
#include <cmath>

#include "base/status.h"
#include "inference/engine/schedule/emit.h"

namespace sheaf::engine {
namespace {

struct FloatLevel {
  float alpha;
  float sigma;
  float lambda;
};

FloatLevel FloatLevelOf(double level) {
  const auto ratio = static_cast<float>(level);
  FloatLevel result;
  result.alpha = 1.0f / std::sqrt(ratio * ratio + 1.0f);
  result.sigma = ratio * result.alpha;
  result.lambda = std::log(result.alpha) - std::log(result.sigma);
  return result;
}

// The polynomial that is 1 at points[which] and 0 at the others; coefficients
// from the highest power down.
std::vector<float> Lagrange(const std::vector<float>& points, size_t which) {
  std::vector<float> polynomial = {1};
  for (size_t j = 0; j < points.size(); ++j) {
    if (j == which) continue;
    const float width = points[which] - points[j];
    std::vector<float> product(polynomial.size() + 1, 0);
    for (size_t k = 0; k < polynomial.size(); ++k) {
      product[k] += polynomial[k] / width;
      product[k + 1] -= polynomial[k] * points[j] / width;
    }
    polynomial = product;
  }
  return polynomial;
}

// The value at x of the polynomial p with (p e^x)' = x^power e^x.
float GrowingPrimitive(int power, float x) {
  float value = 1;
  for (int k = 1; k <= power; ++k)
    value = static_cast<float>(std::pow(x, k)) - k * value;
  return value;
}

// The value at x of the polynomial p with (-p e^-x)' = x^power e^-x.
float DecayingPrimitive(int power, float x) {
  float value = 1;
  for (int k = 1; k <= power; ++k)
    value = static_cast<float>(std::pow(x, k)) + k * value;
  return value;
}

// The integral over [from, to] of x^power e^(x scale), by the substitution u =
// x scale.
float GrowingIntegral(int power, float from, float to, float scale) {
  const float end = scale * to;
  const float start = scale * from;
  return std::exp(end) *
         (GrowingPrimitive(power, end) -
          GrowingPrimitive(power, start) * std::exp(start - end)) /
         std::pow(scale, power + 1);
}

float DecayingIntegral(int power, float from, float to) {
  return std::exp(-to) * (DecayingPrimitive(power, from) * std::exp(to - from) -
                          DecayingPrimitive(power, to));
}

class SaEmitter {
 public:
  SaEmitter(const SchedulerConfig& config, const CompileOptions& options,
            const TrainLevels& train, Grid grid)
      : config_(config),
        begin_(options.begin),
        on_clean_(config.algorithm == "data_prediction"),
        train_(train),
        grid_(std::move(grid)) {
    for (const double sigma : grid_.sigmas)
      levels_.push_back(FloatLevelOf(sigma));
  }

  Program Emit() {
    FillFromGrid(grid_, false, begin_, &program_);
    RenoiseByTimestep();
    const int steps = static_cast<int>(grid_.timesteps.size());
    const int depth =
        std::max(config_.predictor_order, config_.corrector_order - 1);
    int corrector_order = 0;
    for (int i = begin_; i < steps; ++i) {
      StepBuilder step(grid_.timesteps[i], 1);
      const Form value = Read(i, &step);
      if (i > begin_) {
        step.Set(Register::kSample, Correct(i, corrector_order, value, step));
      }
      step.Push(value, depth);
      const int remembered = std::min(i - begin_, depth);
      int predictor_order = config_.predictor_order;
      corrector_order = config_.corrector_order;
      if (config_.lower_order_final) {
        predictor_order = std::min(predictor_order, steps - i);
        corrector_order = std::min(corrector_order, steps - i + 1);
      }
      predictor_order = std::min(predictor_order, remembered + 1);
      corrector_order = std::min(corrector_order, remembered + 2);
      const Form noise = step.Noise();
      step.Set(Register::kSaved, step.Get(Register::kSample));
      step.Set(Register::kSavedNoise, noise);
      step.Set(Register::kSample, Predict(i, predictor_order, noise, step));
      program_.steps.push_back(step.Finish());
    }
    return std::move(program_);
  }

 private:
  // Pictures are made noisy by whole timesteps; the levels of a curve lie
  // beside those.
  void RenoiseByTimestep() {
    for (size_t i = 0; i + 1 < program_.renoise.size(); ++i) {
      const auto timestep =
          static_cast<size_t>(grid_.timesteps[static_cast<size_t>(begin_) + i]);
      const float alpha = train_.alphas_cumulative[timestep];
      program_.renoise[i] = {std::sqrt(alpha), std::sqrt(1.0f - alpha)};
    }
  }

  // How stochastic a step is, by the timestep it starts at.
  float Tau(int i) const {
    return grid_.timesteps[i] >= 200 && grid_.timesteps[i] <= 800 ? 1 : 0;
  }

  Form Read(int i, StepBuilder* step) const {
    const FloatLevel& at = levels_[i];
    const PostOp post = PostOf(config_, false);
    const Form clean = step->Predict(
        CleanSample(config_.prediction, at.alpha, at.sigma), post);
    if (on_clean_) return clean;
    if (post.kind == PostOp::Kind::kNone) {
      return NoiseSample(config_.prediction, at.alpha, at.sigma);
    }
    return (1 / at.sigma) * step->Get(Register::kSample) -
           (at.alpha / at.sigma) * clean;
  }

  // The weights of the values at levels newest, newest - 1... over [s, t].
  std::vector<float> Weights(int newest, int order, const FloatLevel& s,
                             const FloatLevel& t, float tau) const {
    std::vector<float> points;
    for (int k = 0; k < order; ++k) {
      points.push_back(levels_[newest - k].lambda);
    }
    std::vector<float> weights;
    for (int i = 0; i < order; ++i) {
      const std::vector<float> polynomial = Lagrange(points, i);
      float weight = 0;
      for (int j = 0; j < order; ++j) {
        const int power = order - 1 - j;
        weight += polynomial[j] *
                  (on_clean_ ? GrowingIntegral(power, s.lambda, t.lambda,
                                               1 + tau * tau)
                             : DecayingIntegral(power, s.lambda, t.lambda));
      }
      weights.push_back(weight);
    }
    return weights;
  }

  // A term of the shift that order 2 adds to the newest weight and takes from
  // the next.
  float SecondOrderShift(const FloatLevel& s, const FloatLevel& t,
                         float tau) const {
    const float h = t.lambda - s.lambda;
    const float scale = 1 + tau * tau;
    return (h * scale - 1 + std::exp(-scale * h)) / (scale * scale);
  }

  // The sample after [s, t]: the sum of the old sample, the weighted values and
  // the noise.
  Form Combine(const FloatLevel& s, const FloatLevel& t, float tau,
               const Form& sample, const Form& noise,
               const std::vector<float>& weights,
               const std::vector<Form>& values) const {
    const float h = t.lambda - s.lambda;
    const float scale = 1 + tau * tau;
    Form sum;
    for (size_t i = 0; i < weights.size(); ++i) {
      const float factor =
          on_clean_
              ? scale * t.sigma * std::exp(-tau * tau * t.lambda) * weights[i]
              : -scale * t.alpha * weights[i];
      sum = sum + factor * values[i];
    }
    if (on_clean_) {
      const float kept = std::exp(-tau * tau * h) * (t.sigma / s.sigma);
      const float drawn = t.sigma * std::sqrt(1 - std::exp(-2 * tau * tau * h));
      return kept * sample + sum + drawn * noise;
    }
    const float drawn = tau * t.sigma * std::sqrt(std::exp(2 * h) - 1);
    return (t.alpha / s.alpha) * sample + sum + drawn * noise;
  }

  Form Predict(int i, int order, const Form& noise,
               const StepBuilder& step) const {
    const FloatLevel& s = levels_[i];
    const FloatLevel& t = levels_[i + 1];
    const float tau = Tau(i);
    std::vector<float> weights = Weights(i, order, s, t, tau);
    if (on_clean_ && order == 2) {
      const float h = t.lambda - s.lambda;
      const float shift = std::exp((1 + tau * tau) * t.lambda) *
                          (h * h / 2 - SecondOrderShift(s, t, tau)) /
                          (s.lambda - levels_[i - 1].lambda);
      weights[0] += shift;
      weights[1] -= shift;
    }
    std::vector<Form> values;
    for (int k = 0; k < order; ++k) values.push_back(step.History(k));
    return Combine(s, t, tau, step.Get(Register::kSample), noise, weights,
                   values);
  }

  // Makes the step that led here again, with the same noise and the value found
  // here.
  Form Correct(int i, int order, const Form& value,
               const StepBuilder& step) const {
    const FloatLevel& s = levels_[i - 1];
    const FloatLevel& t = levels_[i];
    const float tau = Tau(i - 1);
    std::vector<float> weights = Weights(i, order, s, t, tau);
    if (on_clean_ && order == 2) {
      const float h = t.lambda - s.lambda;
      const float shift = std::exp((1 + tau * tau) * t.lambda) *
                          (h / 2 - SecondOrderShift(s, t, tau) / h);
      weights[0] += shift;
      weights[1] -= shift;
    }
    std::vector<Form> values = {value};
    for (int k = 1; k < order; ++k) values.push_back(step.History(k - 1));
    return Combine(s, t, tau, step.Get(Register::kSaved),
                   step.Get(Register::kSavedNoise), weights, values);
  }

  const SchedulerConfig& config_;
  const int begin_;
  const bool on_clean_;
  const TrainLevels& train_;
  const Grid grid_;
  std::vector<FloatLevel> levels_;
  Program program_;
};

}  // namespace

absl::StatusOr<Program> EmitSaSolver(const SchedulerConfig& config,
                                     const CompileOptions& options) {
  SHEAF_ASSIGN_OR_RETURN(const TrainLevels levels,
                         MakeTrainLevels(config, true));
  return SaEmitter(config, options, levels,
                   MakeMultistepGrid(config, levels, options))
      .Emit();
}

}  // namespace sheaf::engine
