// LibTorch, as much of it as the engine uses and no more: a file that includes
// this compiles in half the time that <torch/torch.h> takes. The one place that
// knows LibTorch's version.
#pragma once

#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <ATen/TensorOperators.h>
#include <ATen/core/Tensor.h>
#include <ATen/ops/_softmax.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/conv2d.h>
#include <ATen/ops/cos.h>
#include <ATen/ops/embedding.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/exp.h>
#include <ATen/ops/from_blob.h>
#include <ATen/ops/full.h>
#include <ATen/ops/gelu.h>
#include <ATen/ops/group_norm.h>
#include <ATen/ops/isfinite.h>
#include <ATen/ops/layer_norm.h>
#include <ATen/ops/lerp.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/linspace.h>
#include <ATen/ops/mkldnn_convolution.h>
#include <ATen/ops/mm.h>
#include <ATen/ops/pad.h>
#include <ATen/ops/pow.h>
#include <ATen/ops/relu.h>
#include <ATen/ops/round.h>
#include <ATen/ops/sigmoid.h>
#include <ATen/ops/silu.h>
#include <ATen/ops/sin.h>
#include <ATen/ops/softmax.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/tanh.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/upsample_nearest2d.h>
#include <ATen/ops/where.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>
#include <c10/core/InferenceMode.h>
#include <torch/csrc/api/include/torch/version.h>

#if TORCH_VERSION_MAJOR >= 2
#include <ATen/ops/scaled_dot_product_attention.h>
#define SHEAF_TORCH_HAS_ATTENTION 1
#else
#define SHEAF_TORCH_HAS_ATTENTION 0
#endif

// Allocators became free to change themselves in 2.3.
#define SHEAF_TORCH_ALLOCATES_MUTABLY \
  (TORCH_VERSION_MAJOR > 2 ||         \
   (TORCH_VERSION_MAJOR == 2 && TORCH_VERSION_MINOR >= 3))

// Since 2.11 the allocators of all devices can be asked, by headers that every
// build has, how much memory they gave.
#define SHEAF_TORCH_COUNTS_DEVICE_MEMORY \
  (TORCH_VERSION_MAJOR > 2 ||            \
   (TORCH_VERSION_MAJOR == 2 && TORCH_VERSION_MINOR >= 11))
