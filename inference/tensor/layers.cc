#include "inference/tensor/layers.h"

#include <utility>

namespace sheaf::engine {
namespace {

// 1.13's group norm in bf16 is many times slower than in fp32, and less exact.
at::Tensor InFloat(const at::Tensor& x) {
  return x.device().is_cpu() && x.scalar_type() != at::kFloat ? x.to(at::kFloat)
                                                              : x;
}

}  // namespace

Linear::Linear(const ModuleScope& scope, int64_t in, int64_t out, bool bias)
    : weight_(scope.GetMatrix("weight", out, in)), slot_(scope.Slot()) {
  if (bias) bias_ = scope.Get("bias", {out});
}

at::Tensor Linear::operator()(const at::Tensor& x) const {
  at::Tensor y = at::linear(x, weight_, bias_);
  for (const LowRank& change : slot_->changes) {
    y = y + at::linear(at::linear(x, change.down), change.up) * change.scale;
  }
  return y;
}

Conv2d::Conv2d(const ModuleScope& scope, const ConvShape& shape)
    : stride_(shape.stride), padding_(shape.padding), slot_(scope.Slot()) {
  weight_ = shape.kernel == 1
                ? scope.GetMatrix("weight", shape.out, shape.in)
                : scope.Get("weight",
                            {shape.out, shape.in, shape.kernel, shape.kernel});
  if (weight_.defined()) {
    weight_ = weight_.reshape({shape.out, shape.in, shape.kernel, shape.kernel})
                  .contiguous(at::MemoryFormat::ChannelsLast);
  }
  if (shape.bias) bias_ = scope.Get("bias", {shape.out});
}

at::Tensor Conv2d::operator()(const at::Tensor& x) const {
  at::Tensor y =
      at::conv2d(x, weight_, bias_, {stride_, stride_}, {padding_, padding_});
  for (const LowRank& change : slot_->changes) {
    const at::Tensor low = at::conv2d(x, change.down, {}, {stride_, stride_},
                                      {padding_, padding_});
    y = y + at::conv2d(low, change.up) * change.scale;
  }
  return y;
}

GroupNorm::GroupNorm(const ModuleScope& scope, int64_t groups, int64_t channels,
                     double epsilon)
    : weight_(scope.Get("weight", {channels})),
      bias_(scope.Get("bias", {channels})),
      groups_(groups),
      epsilon_(epsilon) {
  if (weight_.defined() && bias_.defined()) {
    weight_ = InFloat(weight_);
    bias_ = InFloat(bias_);
  }
}

at::Tensor GroupNorm::operator()(const at::Tensor& x) const {
  return at::group_norm(InFloat(x), groups_, weight_, bias_, epsilon_)
      .to(x.scalar_type());
}

LayerNorm::LayerNorm(const ModuleScope& scope, int64_t channels, double epsilon)
    : weight_(scope.Get("weight", {channels})),
      bias_(scope.Get("bias", {channels})),
      epsilon_(epsilon) {}

at::Tensor LayerNorm::operator()(const at::Tensor& x) const {
  return at::layer_norm(x, {x.size(-1)}, weight_, bias_, epsilon_);
}

}  // namespace sheaf::engine
