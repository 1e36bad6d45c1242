#include "inference/engine/families/unet/time_embedding.h"

#include <cmath>

namespace sheaf::engine {

at::Tensor Waves(const at::Tensor& values, const WaveShape& shape) {
  const int64_t half = shape.width / 2;
  const auto options = values.options().dtype(at::kFloat);
  const double divisor = static_cast<double>(half) - shape.frequency_shift;
  const at::Tensor exponents =
      at::arange(half, options) * -std::log(10000.0) / divisor;
  const at::Tensor angles =
      values.to(at::kFloat).unsqueeze(1) * at::exp(exponents).unsqueeze(0);
  const at::Tensor sines = at::sin(angles);
  const at::Tensor cosines = at::cos(angles);
  const at::Tensor waves = shape.cosine_first ? at::cat({cosines, sines}, 1)
                                              : at::cat({sines, cosines}, 1);
  return shape.width % 2 == 0 ? waves : at::pad(waves, {0, 1});
}

EmbeddingLayers::EmbeddingLayers(const ModuleScope& scope, int64_t in,
                                 int64_t out)
    : first_(scope.Sub("linear_1"), in, out),
      second_(scope.Sub("linear_2"), out, out) {}

at::Tensor EmbeddingLayers::operator()(const at::Tensor& x) const {
  return second_(at::silu(first_(x)));
}

TimeEmbedding::TimeEmbedding(const ModuleScope& scope, const UNetConfig& config)
    : waves_{config.first_channels(), config.cosine_first,
             config.frequency_shift},
      size_waves_{config.size_wave_width, config.cosine_first,
                  config.frequency_shift},
      guidance_waves_{config.guidance_width, false, 1.0},
      time_(scope.Sub("time_embedding"), config.first_channels(),
            config.time_width),
      dtype_(scope.placement().dtype),
      has_sizes_(config.size_wave_width > 0),
      has_guidance_(config.guidance_width > 0),
      activates_twice_(config.activates_time_twice) {
  if (has_sizes_) {
    sizes_ = EmbeddingLayers(scope.Sub("add_embedding"), config.sizes_width,
                             config.time_width);
  }
  if (has_guidance_) {
    guidance_ = Linear(scope.Sub("time_embedding.cond_proj"),
                       config.guidance_width, config.first_channels(), false);
  }
}

at::Tensor TimeEmbedding::operator()(const TimeInput& input) const {
  at::Tensor waves = Waves(input.timesteps, waves_).to(dtype_);
  if (has_guidance_) {
    // For a guidance g, the reference embeds 1000 (g - 1).
    const at::Tensor scaled = (input.guidance - 1.0) * 1000.0;
    waves = waves + guidance_(Waves(scaled, guidance_waves_).to(dtype_));
  }
  at::Tensor embedding = time_(waves);
  if (has_sizes_) {
    const at::Tensor sizes = Waves(input.time_ids.flatten(), size_waves_)
                                 .reshape({input.time_ids.size(0), -1})
                                 .to(dtype_);
    embedding =
        embedding + sizes_(at::cat({input.pooled.to(dtype_), sizes}, 1));
  }
  if (activates_twice_) embedding = at::silu(embedding);
  return at::silu(embedding);
}

}  // namespace sheaf::engine
