// Group normalisation on a CPU. LibTorch's own divides a row among threads by
// how many rows there are, so that its sums depend on the other rows.
#pragma once

#include "inference/engine/tensor/torch.h"

namespace sheaf::engine {

// As at::group_norm, fp32. A row's numbers depend neither on the other rows nor
// on the number of threads. The result is channels last.
at::Tensor NormalizeGroups(const at::Tensor& x, int64_t groups,
                           const at::Tensor& weight, const at::Tensor& bias,
                           double epsilon);

}  // namespace sheaf::engine
