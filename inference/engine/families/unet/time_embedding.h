// Embeds a UNet's timestep, and for SDXL the sizes and the pooled prompt.
#pragma once

#include "inference/engine/families/unet/unet_config.h"
#include "inference/engine/tensor/layers.h"

namespace sheaf::engine {

// Sines and cosines of `values` [n] at `width` frequencies: [n, width], in
// fp32 whatever the model's type.
struct WaveShape {
  int64_t width = 0;
  bool cosine_first = true;
  double frequency_shift = 0;
};
at::Tensor Waves(const at::Tensor& values, const WaveShape& shape);

// linear -> silu -> linear.
class EmbeddingLayers {
 public:
  EmbeddingLayers() = default;
  EmbeddingLayers(const ModuleScope& scope, int64_t in, int64_t out);
  at::Tensor operator()(const at::Tensor& x) const;

 private:
  Linear first_;
  Linear second_;
};

// A UNet's inputs besides its sample and its prompt. Tensors have one row per
// row of the sample.
struct TimeInput {
  at::Tensor timesteps;  // [rows]; fractions are fine.
  at::Tensor pooled;     // For SDXL: [rows, width].
  at::Tensor time_ids;   // For SDXL: [rows, 5 or 6].
  at::Tensor guidance;   // For models distilled for a guidance: [rows].
};

// The embedding that all residual blocks add, activation applied.
class TimeEmbedding {
 public:
  TimeEmbedding() = default;
  TimeEmbedding(const ModuleScope& scope, const UNetConfig& config);
  at::Tensor operator()(const TimeInput& input) const;

 private:
  WaveShape waves_;
  WaveShape size_waves_;
  WaveShape guidance_waves_;
  EmbeddingLayers time_;
  EmbeddingLayers sizes_;
  Linear guidance_;
  at::ScalarType dtype_ = at::kFloat;
  bool has_sizes_ = false;
  bool has_guidance_ = false;
  bool activates_twice_ = false;
};

}  // namespace sheaf::engine
