// The DPM-Solvers: multistep (DPM++ 2M, 3M and their SDE forms, also after EDM)
// and singlestep (DPM++ 2S). All updates share one table of factors; they
// differ in the points whose differences they take.
#include <algorithm>
#include <cmath>

#include "base/status.h"
#include "inference/engine/schedule/emit.h"

namespace sheaf::engine {
namespace {

// The factors of an update from level s to level t: for the sample, the value
// at s (d0), its first (d1) and second difference (d2), and fresh noise.
struct Factors {
  double sample = 0;
  double d0 = 0;
  double d1_midpoint = 0;
  double d1_heun = 0;
  double d2 = 0;
  double noise = 0;
};

Factors FactorsOf(const std::string& algorithm, const Level& s,
                  const Level& t) {
  const double h = t.lambda - s.lambda;
  Factors f;
  if (algorithm == "dpmsolver++") {
    const double decay = std::exp(-h);  // 0 where t is clean: h is infinite.
    f.sample = t.sigma / s.sigma;
    f.d0 = -t.alpha * (decay - 1);
    f.d1_midpoint = 0.5 * f.d0;
    f.d1_heun = t.alpha * ((decay - 1) / h + 1);
    f.d2 = -t.alpha * ((decay - 1 + h) / (h * h) - 0.5);
  } else if (algorithm == "sde-dpmsolver++") {
    const double decay = std::exp(-2 * h);
    f.sample = t.sigma / s.sigma * std::exp(-h);
    f.d0 = t.alpha * (1 - decay);
    f.d1_midpoint = 0.5 * f.d0;
    f.d1_heun = t.alpha * ((1 - decay) / (-2 * h) + 1);
    f.d2 = t.alpha * ((1 - decay - 2 * h) / (4 * h * h) - 0.5);
    f.noise = t.sigma * std::sqrt(1 - decay);
  } else {
    // These work on the noise instead of the clean sample; the SDE form goes
    // twice as far and adds noise.
    const bool is_sde = algorithm == "sde-dpmsolver";
    const double growth = std::exp(h);
    const double times = is_sde ? -2.0 : -1.0;
    f.sample = t.alpha / s.alpha;
    f.d0 = times * t.sigma * (growth - 1);
    f.d1_midpoint = 0.5 * f.d0;
    f.d1_heun = times * t.sigma * ((growth - 1) / h - 1);
    f.d2 = times * t.sigma * ((growth - 1 - h) / (h * h) - 0.5);
    if (is_sde) f.noise = t.sigma * std::sqrt(growth * growth - 1);
  }
  return f;
}

bool PredictsNoise(const SchedulerConfig& config) {
  return config.algorithm == "dpmsolver" || config.algorithm == "sde-dpmsolver";
}

bool IsSde(const SchedulerConfig& config) {
  return config.algorithm.rfind("sde-", 0) == 0;
}

// The levels of a whole schedule, and how each call reads the model there.
class DpmFrame {
 public:
  DpmFrame(const SchedulerConfig& config, Grid grid)
      : config_(config),
        is_edm_(config.scheduler == SchedulerClass::kEdmDpmSolverMultistep),
        grid_(std::move(grid)) {
    for (const double sigma : grid_.sigmas) {
      // EDM scales the model's input and leaves the sample as it is.
      levels_.push_back(is_edm_ ? Level{1, sigma, -std::log(sigma)}
                                : LevelOf(sigma));
    }
  }

  size_t steps() const { return grid_.timesteps.size(); }
  const Level& level(size_t i) const { return levels_[i]; }
  const Grid& grid() const { return grid_; }
  bool is_edm() const { return is_edm_; }

  StepBuilder BeginStep(size_t i) const {
    const double scale =
        is_edm_ ? 1 / std::hypot(grid_.sigmas[i], config_.sigma_data) : 1.0;
    return StepBuilder(grid_.timesteps[i], scale);
  }

  // The value the solver works on: the clean sample, or the noise.
  Form Read(size_t i, StepBuilder* step) const {
    const Level& at = levels_[i];
    const PostOp post = PostOf(config_, false);
    const Form clean = step->Predict(
        is_edm_ ? EdmClean(config_, grid_.sigmas[i])
                : CleanSample(config_.prediction, at.alpha, at.sigma),
        post);
    if (!PredictsNoise(config_)) return clean;
    if (post.kind == PostOp::Kind::kNone) {
      return NoiseSample(config_.prediction, at.alpha, at.sigma);
    }
    return (1 / at.sigma) * step->Get(Register::kSample) -
           (at.alpha / at.sigma) * clean;
  }

 private:
  const SchedulerConfig& config_;
  const bool is_edm_;
  const Grid grid_;
  std::vector<Level> levels_;
};

Form FirstOrder(const Factors& f, const Form& sample, const Form& d0) {
  return f.sample * sample + f.d0 * d0;
}

// The update from level i. History(0) to History(2) hold the values of levels
// i, i - 1 and i - 2.
Form MultistepUpdate(const SchedulerConfig& config, const DpmFrame& frame,
                     size_t i, int order, const StepBuilder& step) {
  const Factors f =
      FactorsOf(config.algorithm, frame.level(i), frame.level(i + 1));
  const Form& m0 = step.History(0);
  const Form base = FirstOrder(f, step.Get(Register::kSample), m0);
  if (order == 1) return base;
  const double h = frame.level(i + 1).lambda - frame.level(i).lambda;
  const double r0 = (frame.level(i).lambda - frame.level(i - 1).lambda) / h;
  const Form d1 = (1 / r0) * (m0 - step.History(1));
  if (order == 2) {
    return base + (config.heun_type ? f.d1_heun : f.d1_midpoint) * d1;
  }
  const double r1 = (frame.level(i - 1).lambda - frame.level(i - 2).lambda) / h;
  const Form d1_before = (1 / r1) * (step.History(1) - step.History(2));
  const Form slope = d1 + (r0 / (r0 + r1)) * (d1 - d1_before);
  const Form curve = (1 / (r0 + r1)) * (d1 - d1_before);
  return base + f.d1_heun * slope + f.d2 * curve;
}

int MultistepOrder(const SchedulerConfig& config, size_t i, size_t steps,
                   int remembered) {
  constexpr size_t kFew = 15;  // Below it, the last steps have lower order.
  const bool few = config.lower_order_final && steps < kFew;
  if (i + 1 == steps &&
      (config.euler_at_final || few || config.final_sigma_is_zero)) {
    return 1;
  }
  int order = std::min(config.solver_order, remembered + 1);
  if (i + 2 == steps && few) order = std::min(order, 2);
  return order;
}

}  // namespace

absl::StatusOr<Program> EmitDpmMultistep(const SchedulerConfig& config,
                                         const CompileOptions& options) {
  SHEAF_ASSIGN_OR_RETURN(const TrainLevels levels,
                         MakeTrainLevels(config, true));
  const bool is_edm =
      config.scheduler == SchedulerClass::kEdmDpmSolverMultistep;
  if (config.solver_order == 3 &&
      (config.algorithm == "sde-dpmsolver" || (is_edm && IsSde(config)))) {
    return absl::InvalidArgumentError(
        "solver_order 3 has no formula for this algorithm_type");
  }
  const DpmFrame frame(config,
                       is_edm ? MakeEdmGrid(config, options)
                              : MakeMultistepGrid(config, levels, options));
  Program program;
  program.init_scale = is_edm ? std::hypot(*config.sigma_max, 1.0) : 1.0;
  FillFromGrid(frame.grid(), is_edm, options.begin, &program);
  for (size_t i = options.begin; i < frame.steps(); ++i) {
    StepBuilder step = frame.BeginStep(i);
    step.Push(frame.Read(i, &step), config.solver_order);
    const int remembered = static_cast<int>(i) - options.begin;
    const int order = MultistepOrder(config, i, frame.steps(), remembered);
    Form next = MultistepUpdate(config, frame, i, order, step);
    if (IsSde(config)) {
      const Factors f =
          FactorsOf(config.algorithm, frame.level(i), frame.level(i + 1));
      next = next + f.noise * step.Noise();
    }
    step.Set(Register::kSample, next);
    program.steps.push_back(step.Finish());
  }
  return program;
}

namespace {

// The order of each step: runs of 1, 2 (, 3), shortened so that all steps are
// used and, where asked, the last is of order 1.
std::vector<int> SinglestepOrders(const SchedulerConfig& config, int steps) {
  const int order = config.solver_order;
  const bool lower_final = config.lower_order_final || steps % order != 0 ||
                           config.final_sigma_is_zero;
  std::vector<int> orders;
  for (int i = 0; i < steps; ++i) orders.push_back(i % order + 1);
  if (lower_final && order > 1 && steps % order == 0) {
    // 1, 2, 3 becomes 1, 2, 1; 1, 2 becomes 1, 1.
    orders[steps - 1] = 1;
  }
  if (config.final_sigma_is_zero) orders[steps - 1] = 1;
  return orders;
}

// The update from level i + 1 - order to i + 1. It starts from the sample kept
// at the former and uses the values at all levels in between.
Form SinglestepUpdate(const SchedulerConfig& config, const DpmFrame& frame,
                      size_t i, int order, const StepBuilder& step) {
  const Level& start = frame.level(i + 1 - order);
  const Level& target = frame.level(i + 1);
  const Factors f = FactorsOf(config.algorithm, start, target);
  const Form& m0 = step.History(0);
  const Form& oldest = step.History(order - 1);
  const Form base = FirstOrder(f, step.Get(Register::kSaved), oldest);
  if (order == 1) return base;
  const double h = target.lambda - start.lambda;
  const double r0 = (frame.level(i).lambda - start.lambda) / h;
  const Form far = (1 / r0) * (m0 - oldest);
  if (order == 2) {
    return base + (config.heun_type ? f.d1_heun : f.d1_midpoint) * far;
  }
  if (!config.heun_type) return base + f.d1_heun * far;
  const double r1 = (frame.level(i - 1).lambda - start.lambda) / h;
  const Form near = (1 / r1) * (step.History(1) - oldest);
  const Form slope = (1 / (r0 - r1)) * (r0 * near - r1 * far);
  const Form curve = (2 / (r0 - r1)) * (far - near);
  return base + f.d1_heun * slope + f.d2 * curve;
}

}  // namespace

absl::StatusOr<Program> EmitDpmSinglestep(const SchedulerConfig& config,
                                          const CompileOptions& options) {
  SHEAF_ASSIGN_OR_RETURN(const TrainLevels levels,
                         MakeTrainLevels(config, true));
  const DpmFrame frame(config, MakeMultistepGrid(config, levels, options));
  const std::vector<int> orders =
      SinglestepOrders(config, static_cast<int>(frame.steps()));
  Program program;
  FillFromGrid(frame.grid(), false, options.begin, &program);
  for (size_t i = options.begin; i < frame.steps(); ++i) {
    StepBuilder step = frame.BeginStep(i);
    step.Push(frame.Read(i, &step), config.solver_order);
    const int remembered = static_cast<int>(i) - options.begin;
    const int order = std::min(orders[i], remembered + 1);
    if (order == 1) {
      step.Set(Register::kSaved, step.Get(Register::kSample));
    }
    Form next = SinglestepUpdate(config, frame, i, order, step);
    if (IsSde(config)) {
      const Factors f = FactorsOf(config.algorithm, frame.level(i + 1 - order),
                                  frame.level(i + 1));
      next = next + f.noise * step.Noise();
    }
    step.Set(Register::kSample, next);
    program.steps.push_back(step.Finish());
  }
  return program;
}

}  // namespace sheaf::engine
