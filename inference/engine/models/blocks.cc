#include "inference/engine/models/blocks.h"

namespace sheaf::engine {

ResidualBlock::ResidualBlock(const ModuleScope& scope,
                             const ResidualShape& shape)
    : norm1_(scope.Sub("norm1"), shape.groups, shape.in, shape.epsilon),
      conv1_(scope.Sub("conv1"), {.in = shape.in, .out = shape.out}),
      norm2_(scope.Sub("norm2"), shape.groups, shape.out, shape.epsilon),
      conv2_(scope.Sub("conv2"), {.in = shape.out, .out = shape.out}),
      has_time_(shape.time_width > 0),
      has_shortcut_(shape.in != shape.out),
      output_scale_(shape.output_scale) {
  if (has_time_) {
    time_ = Linear(scope.Sub("time_emb_proj"), shape.time_width, shape.out);
  }
  if (has_shortcut_) {
    shortcut_ =
        Conv2d(scope.Sub("conv_shortcut"),
               {.in = shape.in, .out = shape.out, .kernel = 1, .padding = 0});
  }
}

at::Tensor ResidualBlock::operator()(const at::Tensor& x,
                                     const at::Tensor& time) const {
  // Works in place where no other code holds the tensor: steps are limited by
  // memory.
  at::Tensor h = norm1_(x);
  h = conv1_(at::silu_(h));
  if (has_time_) h.add_(time_(time).unsqueeze(-1).unsqueeze(-1));
  h = norm2_(h);
  h = conv2_(at::silu_(h));
  h.add_(has_shortcut_ ? shortcut_(x) : x);
  return output_scale_ == 1 ? h : h.div_(output_scale_);
}

Downsample::Downsample(const ModuleScope& scope, int64_t channels,
                       int64_t padding)
    : conv_(scope.Sub("conv"),
            {.in = channels, .out = channels, .stride = 2, .padding = padding}),
      pads_end_(padding == 0) {}

at::Tensor Downsample::operator()(const at::Tensor& x) const {
  if (!pads_end_) return conv_(x);
  return conv_(at::pad(x, {0, 1, 0, 1}));
}

MapSize SizeOf(const at::Tensor& map) { return {map.size(2), map.size(3)}; }

Upsample::Upsample(const ModuleScope& scope, int64_t channels)
    : conv_(scope.Sub("conv"), {.in = channels, .out = channels}) {}

at::Tensor Upsample::operator()(const at::Tensor& x, MapSize size) const {
  return conv_(at::upsample_nearest2d(x, {size.height, size.width}));
}

at::Tensor Upsample::operator()(const at::Tensor& x) const {
  const MapSize size = SizeOf(x);
  return (*this)(x, {2 * size.height, 2 * size.width});
}

}  // namespace sheaf::engine
