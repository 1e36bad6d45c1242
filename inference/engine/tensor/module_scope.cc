#include "inference/engine/tensor/module_scope.h"

#include <cstring>

#include "base/check.h"
#include "inference/engine/tensor/beats.h"

namespace sheaf::engine {
namespace {

// None for types that LibTorch 1.13 does not have.
std::optional<at::ScalarType> TorchType(DType dtype) {
  switch (dtype) {
    case DType::kF64:
      return at::kDouble;
    case DType::kF32:
      return at::kFloat;
    case DType::kF16:
      return at::kHalf;
    case DType::kBF16:
      return at::kBFloat16;
    case DType::kI64:
      return at::kLong;
    case DType::kI32:
      return at::kInt;
    case DType::kI16:
      return at::kShort;
    case DType::kI8:
      return at::kChar;
    case DType::kU8:
      return at::kByte;
    case DType::kBool:
      return at::kBool;
    case DType::kF8E4M3:
    case DType::kF8E5M2:
      return std::nullopt;
  }
  return std::nullopt;
}

// A view that keeps the bytes alive, or a copy where no view is possible.
at::Tensor View(const Tensor& tensor) {
  const std::optional<at::ScalarType> type = TorchType(tensor.dtype);
  if (!type || !tensor.is_aligned()) {
    const std::vector<float> values = tensor.ToFloats();
    at::Tensor copy = at::empty(tensor.shape, at::kFloat);
    std::memcpy(copy.data_ptr(), values.data(), values.size() * sizeof(float));
    return copy;
  }
  return at::from_blob(
      tensor.data, tensor.shape, [keep = tensor](void*) {},
      at::TensorOptions().dtype(*type));
}

}  // namespace

at::Tensor ToTorch(const Tensor& tensor, const Placement& placement) {
  Beat();
  return View(tensor).to(placement.device, placement.dtype);
}

at::Tensor ToTorch(const Tensor& tensor) {
  const at::Tensor view = View(tensor);
  return view.is_floating_point() ? view.to(at::kFloat) : view;
}

Tensor FromTorch(const at::Tensor& tensor) {
  const at::Tensor flat = tensor.to(at::kCPU).contiguous();
  const bool is_float = flat.scalar_type() == at::kFloat;
  SHEAF_CHECK(is_float || flat.scalar_type() == at::kLong);
  std::vector<std::byte> bytes(flat.nbytes());
  if (!bytes.empty()) std::memcpy(bytes.data(), flat.data_ptr(), bytes.size());
  return MakeTensor(is_float ? DType::kF32 : DType::kI64, flat.sizes().vec(),
                    std::move(bytes));
}

at::Tensor ModuleScope::Get(std::string_view name,
                            const std::vector<int64_t>& shape) const {
  const Tensor* tensor = weights_.Get(name, shape);
  return tensor == nullptr ? at::Tensor() : ToTorch(*tensor, placement_);
}

at::Tensor ModuleScope::Find(std::string_view name) const {
  const Tensor* tensor = weights_.Find(name);
  return tensor == nullptr ? at::Tensor() : ToTorch(*tensor, placement_);
}

at::Tensor ModuleScope::GetMatrix(std::string_view name, int64_t rows,
                                  int64_t columns) const {
  const Tensor* tensor = weights_.Find(name);
  const bool is_convolution = tensor != nullptr && tensor->shape.size() == 4;
  const at::Tensor weight = is_convolution ? Get(name, {rows, columns, 1, 1})
                                           : Get(name, {rows, columns});
  return weight.defined() ? weight.reshape({rows, columns}) : weight;
}

std::shared_ptr<AdapterSlot> ModuleScope::Slot() const {
  std::shared_ptr<AdapterSlot>& slot = (*slots_)[weights_.Path("weight")];
  if (slot == nullptr) slot = std::make_shared<AdapterSlot>();
  return slot;
}

}  // namespace sheaf::engine
