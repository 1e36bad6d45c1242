// The convolutional pieces that UNets, ControlNets and autoencoders share.
#pragma once

#include "inference/engine/tensor/layers.h"

namespace sheaf::engine {

struct ResidualShape {
  int64_t in = 0;
  int64_t out = 0;
  int64_t groups = 32;
  double epsilon = 1e-5;
  int64_t time_width = 0;  // 0: takes no `time`.
  double output_scale = 1;
};

// ResnetBlock2D.
class ResidualBlock {
 public:
  ResidualBlock() = default;
  ResidualBlock(const ModuleScope& scope, const ResidualShape& shape);

  // `time` is a result of TimeEmbedding; without time_width it is ignored.
  at::Tensor operator()(const at::Tensor& x, const at::Tensor& time) const;

 private:
  GroupNorm norm1_;
  Conv2d conv1_;
  Linear time_;
  GroupNorm norm2_;
  Conv2d conv2_;
  Conv2d shortcut_;
  bool has_time_ = false;
  bool has_shortcut_ = false;
  double output_scale_ = 1;
};

// Halves the size of a map. With padding 0 the map first grows by one line at
// the right and at the bottom, as autoencoders need it.
class Downsample {
 public:
  Downsample() = default;
  Downsample(const ModuleScope& scope, int64_t channels, int64_t padding);
  at::Tensor operator()(const at::Tensor& x) const;

 private:
  Conv2d conv_;
  bool pads_end_ = false;
};

struct MapSize {
  int64_t height = 0;
  int64_t width = 0;
};
MapSize SizeOf(const at::Tensor& map);

// Enlarges a map to the given size by repeating pixels, then applies a
// convolution.
class Upsample {
 public:
  Upsample() = default;
  Upsample(const ModuleScope& scope, int64_t channels);
  at::Tensor operator()(const at::Tensor& x, MapSize size) const;
  // To twice the size.
  at::Tensor operator()(const at::Tensor& x) const;

 private:
  Conv2d conv_;
};

}  // namespace sheaf::engine
