#include "inference/engine/schedule/executor.h"

#include <algorithm>
#include <cmath>

#include "base/check.h"

namespace sheaf::engine {
namespace {

// The quantile of |values|, by linear interpolation between order statistics.
float AbsoluteQuantile(const std::vector<float>& values, double ratio) {
  std::vector<float> sizes;
  for (const float value : values) sizes.push_back(std::fabs(value));
  const double rank =
      std::clamp(ratio, 0.0, 1.0) * static_cast<double>(sizes.size() - 1);
  const auto low = static_cast<size_t>(rank);
  std::nth_element(sizes.begin(), sizes.begin() + low, sizes.end());
  const float below = sizes[low];
  if (low + 1 == sizes.size()) return below;
  const float above = *std::min_element(sizes.begin() + low + 1, sizes.end());
  return static_cast<float>(below + (rank - static_cast<double>(low)) *
                                        (double{above} - below));
}

}  // namespace

RowState::RowState(std::shared_ptr<const Program> program,
                   std::vector<float> sample)
    : program_(std::move(program)) {
  for (std::vector<float>& values : registers_) {
    values.assign(sample.size(), 0.0f);
  }
  registers_[static_cast<size_t>(Register::kSample)] = std::move(sample);
}

std::vector<float> RowState::Input() const {
  std::vector<float> input = sample();
  for (float& value : input) {
    value = static_cast<float>(step().input_scale * value);
  }
  return input;
}

void RowState::Advance(const std::vector<float>& output,
                       const std::vector<float>& noise) {
  const Step& now = step();
  const size_t size = sample().size();
  SHEAF_CHECK(output.size() == size);
  SHEAF_CHECK(!now.draws_noise || noise.size() == size);
  const auto at = [this](Register which) -> std::vector<float>& {
    return registers_[static_cast<size_t>(which)];
  };
  at(Register::kOutput) = output;
  if (now.draws_noise) at(Register::kNoise) = noise;
  std::vector<float>& prediction = at(Register::kPrediction);
  for (size_t i = 0; i < size; ++i) {
    prediction[i] = static_cast<float>(now.predict_sample * sample()[i] +
                                       now.predict_output * output[i]);
  }
  ApplyPost(now.post, &prediction);
  std::vector<std::vector<float>> results;
  for (const Step::Assignment& update : now.updates) {
    std::vector<double> sum(size, 0.0);
    for (int r = 0; r < kRegisterCount; ++r) {
      if (update.terms[r] == 0) continue;
      for (size_t i = 0; i < size; ++i) {
        sum[i] += update.terms[r] * registers_[r][i];
      }
    }
    results.emplace_back(sum.begin(), sum.end());
  }
  for (size_t i = 0; i < results.size(); ++i) {
    at(now.updates[i].target) = std::move(results[i]);
  }
  ++next_;
}

void ApplyPost(const PostOp& post, std::vector<float>* values) {
  if (post.kind == PostOp::Kind::kNone || values->empty()) return;
  float bound = static_cast<float>(post.limit);
  float divisor = 1.0f;
  if (post.kind == PostOp::Kind::kThreshold) {
    const float quantile = AbsoluteQuantile(*values, post.ratio);
    bound = std::min(std::max(quantile, 1.0f), static_cast<float>(post.limit));
    divisor = bound;
  }
  for (float& value : *values) {
    value = std::min(std::max(value, -bound), bound) / divisor;
  }
}

std::vector<float> MakeNoisy(const Renoise& renoise,
                             const std::vector<float>& clean,
                             const std::vector<float>& drawn) {
  SHEAF_CHECK(clean.size() == drawn.size());
  std::vector<float> noisy(clean.size());
  for (size_t i = 0; i < clean.size(); ++i) {
    noisy[i] = static_cast<float>(renoise.sample * clean[i] +
                                  renoise.noise * drawn[i]);
  }
  return noisy;
}

}  // namespace sheaf::engine
