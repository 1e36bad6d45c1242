// Converts between tensors and the vectors that random streams return.
#pragma once

#include <vector>

#include "inference/engine/random/normals.h"
#include "inference/engine/tensor/torch.h"

namespace sheaf::engine {

// fp32, on the CPU.
at::Tensor FromVector(const std::vector<float>& values, at::IntArrayRef shape);
std::vector<float> ToVector(const at::Tensor& tensor);

// The next numbers of the stream, in the order of the tensor's elements.
at::Tensor DrawNoise(at::IntArrayRef shape, Normals* normals);

}  // namespace sheaf::engine
