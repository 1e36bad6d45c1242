// The layers that models are made of. Each is built from its place in the
// weights and then called like a function; calls change nothing, so any number
// of threads may share a layer. Maps are [rows, channels, height, width],
// channels last in memory.
//
// On a CPU, in fp32 and with the same number of threads, a row's numbers are
// the same to the last bit, whatever rows it shares a call with. Libraries
// choose their algorithms by the size of a call, so we choose for them.
#pragma once

#include <memory>

#include "inference/engine/tensor/module_scope.h"

namespace sheaf::engine {

// y = x W' + b over the last dimension.
class Linear {
 public:
  Linear() = default;
  Linear(const ModuleScope& scope, int64_t in, int64_t out, bool bias = true);

  at::Tensor operator()(const at::Tensor& x) const;

 private:
  at::Tensor weight_;
  at::Tensor bias_;
  std::shared_ptr<AdapterSlot> slot_;
};

struct ConvShape {
  int64_t in = 0;
  int64_t out = 0;
  int64_t kernel = 3;
  int64_t stride = 1;
  int64_t padding = 1;
  bool bias = true;
};

class Conv2d {
 public:
  Conv2d() = default;
  Conv2d(const ModuleScope& scope, const ConvShape& shape);

  at::Tensor operator()(const at::Tensor& x) const;

 private:
  at::Tensor weight_;
  at::Tensor bias_;
  int64_t stride_ = 1;
  int64_t padding_ = 1;
  std::shared_ptr<AdapterSlot> slot_;
};

class GroupNorm {
 public:
  GroupNorm() = default;
  GroupNorm(const ModuleScope& scope, int64_t groups, int64_t channels,
            double epsilon);

  at::Tensor operator()(const at::Tensor& x) const;

 private:
  at::Tensor weight_;
  at::Tensor bias_;
  int64_t groups_ = 1;
  double epsilon_ = 1e-5;
};

class LayerNorm {
 public:
  LayerNorm() = default;
  LayerNorm(const ModuleScope& scope, int64_t channels, double epsilon);

  at::Tensor operator()(const at::Tensor& x) const;

 private:
  at::Tensor weight_;
  at::Tensor bias_;
  double epsilon_ = 1e-5;
};

// softmax(q k' / sqrt(channels of a head)) v, head by head. q is
// [rows, queries, channels], k and v [rows, keys, channels]; where `causal`,
// query i sees keys up to i alone. Never holds more than a bounded number of
// query-key products.
at::Tensor Attention(const at::Tensor& q, const at::Tensor& k,
                     const at::Tensor& v, int64_t heads, bool causal = false);

}  // namespace sheaf::engine
