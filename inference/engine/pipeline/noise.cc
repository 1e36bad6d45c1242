#include "inference/engine/pipeline/noise.h"

#include <cstring>

namespace sheaf::engine {

at::Tensor FromVector(const std::vector<float>& values, at::IntArrayRef shape) {
  at::Tensor tensor = at::empty(shape, at::kFloat);
  std::memcpy(tensor.data_ptr(), values.data(), values.size() * sizeof(float));
  return tensor;
}

std::vector<float> ToVector(const at::Tensor& tensor) {
  const at::Tensor flat = tensor.to(at::kCPU, at::kFloat).contiguous();
  const float* begin = flat.data_ptr<float>();
  return std::vector<float>(begin, begin + flat.numel());
}

at::Tensor DrawNoise(at::IntArrayRef shape, Normals* normals) {
  size_t count = 1;
  for (const int64_t size : shape) count *= static_cast<size_t>(size);
  return FromVector(normals->Draw(count), shape);
}

}  // namespace sheaf::engine
