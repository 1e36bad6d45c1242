#include "inference/engine/tensor/layers.h"

#include <utility>
#include <vector>

#include "inference/engine/tensor/beats.h"
#include "inference/engine/tensor/group_norm.h"

namespace sheaf::engine {
namespace {

// 1.13's group norm in bf16 is many times slower than in fp32, and less exact.
at::Tensor InFloat(const at::Tensor& x) {
  return x.device().is_cpu() && x.scalar_type() != at::kFloat ? x.to(at::kFloat)
                                                              : x;
}

// oneDNN's convolutions sum up in one order, whatever the number of rows.
// LibTorch itself takes another library for small calls. In bf16 the choice
// stays with LibTorch: not every processor has oneDNN's.
bool IsForOneDnn(const at::Tensor& x) {
  return x.device().is_cpu() && x.numel() > 0 && at::hasMKLDNN() &&
         x.scalar_type() == at::kFloat;
}

at::Tensor Convolve(const at::Tensor& x, const at::Tensor& weight,
                    const at::Tensor& bias, int64_t stride, int64_t padding) {
  if (!IsForOneDnn(x)) {
    return at::conv2d(x, weight, bias, {stride, stride}, {padding, padding});
  }
  return at::mkldnn_convolution(x, weight, bias, {padding, padding},
                                {stride, stride}, {1, 1}, 1);
}

// Multiplies [rows, tokens, in] as maps of one column. Where a single row has
// few tokens, OpenBLAS would be faster by a fifth, the time that rearranging
// the weights at each call takes. But its kernels for AVX2 sum up the last
// lines of any product in another order.
at::Tensor MultiplyTokens(const at::Tensor& x, const at::Tensor& weight,
                          const at::Tensor& bias) {
  const at::Tensor maps = x.contiguous().unsqueeze(2).permute({0, 3, 1, 2});
  const at::Tensor kernels = weight.view({weight.size(0), weight.size(1), 1, 1})
                                 .contiguous(at::MemoryFormat::ChannelsLast);
  return Convolve(maps, kernels, bias, 1, 0).permute({0, 2, 3, 1}).squeeze(2);
}

// How many rows of [rows, in] one call multiplies: always this many, with zeros
// in the places of missing rows. A convolution would take ten times as long.
constexpr int64_t kRowsTogether = 8;

at::Tensor MultiplyRows(const at::Tensor& x, const at::Tensor& weight,
                        const at::Tensor& bias) {
  const int64_t rows = x.size(0);
  const int64_t missing =
      (kRowsTogether - rows % kRowsTogether) % kRowsTogether;
  const at::Tensor whole =
      missing == 0 ? x
                   : at::cat({x, at::zeros({missing, x.size(1)}, x.options())});
  std::vector<at::Tensor> parts;
  for (int64_t first = 0; first < rows; first += kRowsTogether) {
    parts.push_back(
        at::linear(whole.narrow(0, first, kRowsTogether), weight, bias));
  }
  const at::Tensor all = parts.size() == 1 ? parts[0] : at::cat(parts);
  return all.narrow(0, 0, rows);
}

at::Tensor Multiply(const at::Tensor& x, const at::Tensor& weight,
                    const at::Tensor& bias) {
  if (IsForOneDnn(x) && x.dim() == 3) return MultiplyTokens(x, weight, bias);
  if (IsForOneDnn(x) && x.dim() == 2) return MultiplyRows(x, weight, bias);
  return at::linear(x, weight, bias);
}

}  // namespace

Linear::Linear(const ModuleScope& scope, int64_t in, int64_t out, bool bias)
    : weight_(scope.GetMatrix("weight", out, in)), slot_(scope.Slot()) {
  if (bias) bias_ = scope.Get("bias", {out});
}

at::Tensor Linear::operator()(const at::Tensor& x) const {
  Beat();
  at::Tensor y = Multiply(x, weight_, bias_);
  for (const LowRank& change : slot_->changes) {
    y = y +
        Multiply(Multiply(x, change.down, {}), change.up, {}) * change.scale;
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
  Beat();
  at::Tensor y = Convolve(x, weight_, bias_, stride_, padding_);
  for (const LowRank& change : slot_->changes) {
    const at::Tensor low = Convolve(x, change.down, {}, stride_, padding_);
    y = y + Convolve(low, change.up, {}, 1, 0) * change.scale;
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
  if (!x.device().is_cpu()) {
    return at::group_norm(x, groups_, weight_, bias_, epsilon_);
  }
  return NormalizeGroups(x.to(at::kFloat), groups_, weight_, bias_, epsilon_)
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
