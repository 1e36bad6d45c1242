#include "inference/engine/weights/tensor.h"

#include <cstring>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace sheaf::engine {

size_t Tensor::element_count() const {
  size_t count = 1;
  for (const int64_t size : shape) count *= static_cast<size_t>(size);
  return count;
}

bool Tensor::is_aligned() const {
  return reinterpret_cast<uintptr_t>(data) % SizeOf(dtype) == 0;
}

std::vector<float> Tensor::ToFloats() const {
  std::vector<float> values(element_count());
  ConvertToFloat(dtype, data, values.size(), values.data());
  return values;
}

absl::Status Tensor::Prefetch(const std::string& key) const {
  if (file == nullptr) return absl::OkStatus();
  const absl::Status status =
      file->Prefetch(static_cast<size_t>(data - file->data()), byte_count());
  if (status.ok()) return status;
  return absl::Status(status.code(),
                      absl::StrCat(status.message(), ", at ", key));
}

Tensor MakeTensor(DType dtype, std::vector<int64_t> shape,
                  std::vector<std::byte> bytes) {
  Tensor tensor;
  tensor.dtype = dtype;
  tensor.shape = std::move(shape);
  tensor.memory = std::make_shared<std::vector<std::byte>>(std::move(bytes));
  tensor.data = tensor.memory->data();
  return tensor;
}

Tensor MakeFloatTensor(std::vector<int64_t> shape,
                       const std::vector<float>& values) {
  std::vector<std::byte> bytes(values.size() * sizeof(float));
  if (!bytes.empty()) std::memcpy(bytes.data(), values.data(), bytes.size());
  return MakeTensor(DType::kF32, std::move(shape), std::move(bytes));
}

std::string ShapeText(const std::vector<int64_t>& shape) {
  return absl::StrCat("[", absl::StrJoin(shape, ","), "]");
}

int64_t CheckedElementCount(const std::vector<int64_t>& shape) {
  constexpr int64_t kElementsMax = int64_t{1} << 48;
  int64_t count = 1;
  for (const int64_t size : shape) {
    if (size < 0 || size > kElementsMax) return -1;
    // 2^48 * 2^48 does not fit; 128 bits hold it.
    const __int128 product = static_cast<__int128>(count) * size;
    if (product > kElementsMax) return -1;
    count = static_cast<int64_t>(product);
  }
  return count;
}

}  // namespace sheaf::engine
