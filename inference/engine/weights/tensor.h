// A tensor as it lies in a weight file: type, shape and a view of its bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "inference/engine/weights/dtype.h"
#include "inference/engine/weights/mapped_file.h"

namespace sheaf::engine {

// Contiguous, row-major. Cheap to copy: the bytes belong to `file`, which lives
// as long as any tensor of it. They may be written to (the pages are private),
// by one owner who knows that all copies of this tensor see it.
struct Tensor {
  DType dtype = DType::kF32;
  std::vector<int64_t> shape;
  std::byte* data = nullptr;
  // The file that the bytes belong to; null for a tensor that owns them in
  // `memory`.
  std::shared_ptr<MappedFile> file;
  std::shared_ptr<std::vector<std::byte>> memory;

  size_t element_count() const;
  size_t byte_count() const { return element_count() * SizeOf(dtype); }
  // Whether the elements lie at multiples of their size. A zero-copy view needs
  // that, and old writers did not see to it.
  bool is_aligned() const;
  // The elements as floats, for any type.
  std::vector<float> ToFloats() const;
  // Brings the bytes into memory; DATA_LOSS with the file and `key` where the
  // file has become shorter meanwhile.
  absl::Status Prefetch(const std::string& key) const;
};

// A tensor that owns its bytes, from values of any origin.
Tensor MakeTensor(DType dtype, std::vector<int64_t> shape,
                  std::vector<std::byte> bytes);
Tensor MakeFloatTensor(std::vector<int64_t> shape,
                       const std::vector<float>& values);

using TensorMap = std::map<std::string, Tensor, std::less<>>;

// "[2,320,3,3]": for messages.
std::string ShapeText(const std::vector<int64_t>& shape);

// The number of elements, or a negative number where it passes 2^48 or a
// dimension is negative: file formats state shapes, and some lie.
int64_t CheckedElementCount(const std::vector<int64_t>& shape);

}  // namespace sheaf::engine
