#include <algorithm>
#include <cmath>

#include "inference/engine/schedule/emit.h"

namespace sheaf::engine {
namespace {

const Form& Sample() {
  static const Form form(Register::kSample);
  return form;
}
const Form& Output() {
  static const Form form(Register::kOutput);
  return form;
}

}  // namespace

PostOp PostOf(const SchedulerConfig& config, bool clips) {
  PostOp post;
  if (config.thresholding) {
    post.kind = PostOp::Kind::kThreshold;
    post.limit = config.sample_max;
    post.ratio = config.threshold_ratio;
  } else if (clips && config.clip_sample) {
    post.kind = PostOp::Kind::kClamp;
    post.limit = config.clip_range;
  }
  return post;
}

Form CleanSample(Prediction prediction, double alpha, double sigma) {
  switch (prediction) {
    case Prediction::kEpsilon:
      return (1 / alpha) * Sample() - (sigma / alpha) * Output();
    case Prediction::kSample:
      return Output();
    case Prediction::kVelocity:
      return alpha * Sample() - sigma * Output();
  }
  return Form();
}

Form NoiseSample(Prediction prediction, double alpha, double sigma) {
  switch (prediction) {
    case Prediction::kEpsilon:
      return Output();
    case Prediction::kSample:
      return (1 / sigma) * Sample() - (alpha / sigma) * Output();
    case Prediction::kVelocity:
      return alpha * Output() + sigma * Sample();
  }
  return Form();
}

Form KarrasClean(Prediction prediction, double sigma) {
  const double variance = sigma * sigma + 1;
  switch (prediction) {
    case Prediction::kEpsilon:
      return Sample() - sigma * Output();
    case Prediction::kSample:
      return Output();
    case Prediction::kVelocity:
      return (1 / variance) * Sample() -
             (sigma / std::sqrt(variance)) * Output();
  }
  return Form();
}

Form EdmClean(const SchedulerConfig& config, double sigma) {
  const double data = config.sigma_data * config.sigma_data;
  const double variance = sigma * sigma + data;
  double of_output = sigma * config.sigma_data / std::sqrt(variance);
  if (config.prediction == Prediction::kVelocity) of_output = -of_output;
  return (data / variance) * Form(Register::kSample) +
         of_output * Form(Register::kOutput);
}

Level LevelOf(double sigma) {
  Level level;
  level.alpha = 1 / std::sqrt(sigma * sigma + 1);
  level.sigma = sigma * level.alpha;
  level.lambda = -std::log(sigma);  // log(0) makes it infinite, as it should.
  return level;
}

AncestralLevels AncestralLevelsOf(double sigma, double next) {
  const auto from = static_cast<float>(sigma);
  const auto to = static_cast<float>(next);
  const float from2 = from * from;
  const float to2 = to * to;
  const float up = std::sqrt(to2 * (from2 - to2) / from2);
  const float down = std::sqrt(std::max(0.0f, to2 - up * up));
  return {up, down};
}

void FillFromGrid(const Grid& grid, bool karras_space, int begin,
                  Program* program) {
  program->timesteps = grid.timesteps;
  program->sigmas = grid.sigmas;
  for (size_t i = begin; i < grid.sigmas.size(); ++i) {
    const Level level = LevelOf(grid.sigmas[i]);
    program->renoise.push_back(karras_space
                                   ? Renoise{1, grid.sigmas[i]}
                                   : Renoise{level.alpha, level.sigma});
  }
}

}  // namespace sheaf::engine
