// Group normalisation on a CPU. LibTorch's own shares a row out among threads
// by how many rows there are, so that its sums depend on the other rows.
#pragma once

#include "inference/engine/tensor/torch.h"

namespace sheaf::engine {

// As at::group_norm, fp32, with the same numbers for a row whatever rows are
// beside it and however many threads there are. The result is channels last.
at::Tensor NormalizeGroups(const at::Tensor& x, int64_t groups,
                           const at::Tensor& weight, const at::Tensor& bias,
                           double epsilon);

}  // namespace sheaf::engine
