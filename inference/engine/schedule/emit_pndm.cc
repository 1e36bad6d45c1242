// PNDM: a linear multistep method on the model's outputs (PLMS), with an
// optional Runge-Kutta start (PRK).
#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "inference/engine/schedule/emit.h"

namespace sheaf::engine {
namespace {

class PndmEmitter {
 public:
  PndmEmitter(const SchedulerConfig& config, const CompileOptions& options,
              TrainLevels levels)
      : config_(config),
        begin_(options.begin),
        stride_(config.train_steps / options.steps),
        levels_(std::move(levels)) {
    LayTimesteps(options.steps);
  }

  absl::StatusOr<Program> Emit() {
    for (size_t i = begin_; i < timesteps_.size(); ++i) {
      StepBuilder step(timesteps_[i], 1);
      const int counter = static_cast<int>(i) - begin_;
      if (counter < prk_count_) {
        SHEAF_RETURN_IF_ERROR(EmitPrk(counter, timesteps_[i], &step));
      } else {
        SHEAF_RETURN_IF_ERROR(EmitPlms(counter, timesteps_[i], &step));
      }
      program_.steps.push_back(step.Finish());
    }
    program_.timesteps.assign(timesteps_.begin(), timesteps_.end());
    for (size_t i = begin_; i < timesteps_.size(); ++i) {
      SHEAF_ASSIGN_OR_RETURN(const double alpha, Alpha(timesteps_[i]));
      program_.renoise.push_back({std::sqrt(alpha), std::sqrt(1 - alpha)});
    }
    program_.renoise.push_back({1, 0});
    return std::move(program_);
  }

 private:
  void LayTimesteps(int steps) {
    std::vector<double> spaced =
        SpacedTimesteps(config_, steps, false, config_.train_steps);
    std::vector<int> rising;
    for (size_t i = spaced.size(); i-- > 0;) {
      rising.push_back(static_cast<int>(std::nearbyint(spaced[i])));
    }
    const size_t count = rising.size();
    if (config_.skip_prk_steps) {
      // The second step is visited twice: first to look ahead, then to go.
      if (count > 1) rising.insert(rising.end() - 1, rising[count - 2]);
      timesteps_.assign(rising.rbegin(), rising.rend());
      return;
    }
    // The four noisiest steps, each with its half step; all but the ends are
    // visited twice.
    std::vector<int> halves;
    for (size_t i = count - std::min<size_t>(count, 4); i < count; ++i) {
      halves.push_back(rising[i]);
      halves.push_back(rising[i] + stride_ / 2);
    }
    halves.pop_back();
    std::vector<int> twice;
    for (const int timestep : halves) twice.insert(twice.end(), 2, timestep);
    timesteps_.assign(twice.rbegin() + 1, twice.rend() - 1);
    prk_count_ = static_cast<int>(timesteps_.size());
    for (size_t i = count - std::min<size_t>(count, 3); i-- > 0;) {
      timesteps_.push_back(rising[i]);
    }
  }

  absl::StatusOr<double> Alpha(int timestep) const {
    if (timestep < 0) {
      return config_.alpha_to_one ? 1.0 : levels_.alphas_cumulative.front();
    }
    if (timestep >= config_.train_steps) {
      return absl::InvalidArgumentError(
          absl::StrCat("the schedule visits timestep ", timestep,
                       ", and training had ", config_.train_steps));
    }
    return double{levels_.alphas_cumulative[timestep]};
  }

  // Moves `sample` from one timestep to another, by `output`.
  absl::StatusOr<Form> Move(const Form& sample, int from, int to,
                            const Form& output) const {
    SHEAF_ASSIGN_OR_RETURN(const double alpha, Alpha(from));
    SHEAF_ASSIGN_OR_RETURN(const double alpha_to, Alpha(to));
    Form noise = output;
    if (config_.prediction == Prediction::kVelocity) {
      noise = std::sqrt(alpha) * output + std::sqrt(1 - alpha) * sample;
    }
    const double denominator = alpha * std::sqrt(1 - alpha_to) +
                               std::sqrt(alpha * (1 - alpha) * alpha_to);
    return std::sqrt(alpha_to / alpha) * sample -
           ((alpha_to - alpha) / denominator) * noise;
  }

  absl::Status Predict(int timestep, StepBuilder* step) const {
    SHEAF_ASSIGN_OR_RETURN(const double alpha, Alpha(timestep));
    step->Predict(
        CleanSample(config_.prediction, std::sqrt(alpha), std::sqrt(1 - alpha)),
        PostOp());
    return absl::OkStatus();
  }

  // kSaved holds the sample that four calls start from, kSavedNoise the
  // weighted sum of their outputs so far.
  absl::Status EmitPrk(int counter, int timestep, StepBuilder* step) {
    SHEAF_RETURN_IF_ERROR(Predict(timestep, step));
    const Form output = step->Get(Register::kOutput);
    const int phase = counter % 4;
    const int to = timestep - (counter % 2 == 0 ? stride_ / 2 : 0);
    if (phase == 0) {
      step->Push(output, 4);
      kept_ = std::min(kept_ + 1, 4);
      step->Set(Register::kSaved, step->Get(Register::kSample));
      step->Set(Register::kSavedNoise, (1.0 / 6) * output);
    } else if (phase < 3) {
      step->Set(Register::kSavedNoise,
                step->Get(Register::kSavedNoise) + (1.0 / 3) * output);
    }
    const Form direction =
        phase == 3 ? step->Get(Register::kSavedNoise) + (1.0 / 6) * output
                   : output;
    // Counted from the first of all steps, as in the reference, even where a
    // run begins with a later one.
    const int from = timesteps_[counter / 4 * 4];
    SHEAF_ASSIGN_OR_RETURN(const Form next, Move(step->Get(Register::kSaved),
                                                 from, to, direction));
    step->Set(Register::kSample, next);
    return absl::OkStatus();
  }

  absl::Status EmitPlms(int counter, int timestep, StepBuilder* step) {
    SHEAF_RETURN_IF_ERROR(Predict(timestep, step));
    const Form output = step->Get(Register::kOutput);
    Form sample = step->Get(Register::kSample);
    int from = timestep;
    int to = timestep - stride_;
    Form direction = output;
    if (counter == 1) {
      // After the look ahead, makes the first step again, by the mean of both
      // outputs.
      from = timestep + stride_;
      to = timestep;
      direction = 0.5 * output + 0.5 * step->History(0);
      sample = step->Get(Register::kSaved);
    } else {
      step->Push(output, 4);
      kept_ = std::min(kept_ + 1, 4);
      direction = AdamsBashforth(*step);
      if (counter == 0) step->Set(Register::kSaved, sample);
    }
    SHEAF_ASSIGN_OR_RETURN(const Form next, Move(sample, from, to, direction));
    step->Set(Register::kSample, next);
    return absl::OkStatus();
  }

  Form AdamsBashforth(const StepBuilder& step) const {
    const auto past = [&](int age) { return step.History(age); };
    switch (kept_) {
      case 1:
        return past(0);
      case 2:
        return 1.5 * past(0) - 0.5 * past(1);
      case 3:
        return (23.0 / 12) * past(0) - (16.0 / 12) * past(1) +
               (5.0 / 12) * past(2);
      default:
        return (55.0 / 24) * past(0) - (59.0 / 24) * past(1) +
               (37.0 / 24) * past(2) - (9.0 / 24) * past(3);
    }
  }

  const SchedulerConfig& config_;
  const int begin_;
  const int stride_;
  const TrainLevels levels_;
  std::vector<int> timesteps_;
  int prk_count_ = 0;
  int kept_ = 0;  // Outputs in the history.
  Program program_;
};

}  // namespace

absl::StatusOr<Program> EmitPndm(const SchedulerConfig& config,
                                 const CompileOptions& options) {
  if (!config.skip_prk_steps && options.steps < 4) {
    return absl::InvalidArgumentError(
        "PNDM without skip_prk_steps needs at least 4 steps");
  }
  if (config.prediction == Prediction::kSample) {
    return absl::InvalidArgumentError(
        "prediction_type sample is not for PNDMScheduler");
  }
  SHEAF_ASSIGN_OR_RETURN(TrainLevels levels, MakeTrainLevels(config, false));
  return PndmEmitter(config, options, std::move(levels)).Emit();
}

}  // namespace sheaf::engine
