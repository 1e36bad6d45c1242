// The place in the tree of weight names that a module of a model is built from,
// and how its tensors are to be held.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "inference/engine/tensor/torch.h"
#include "inference/engine/weights/binder.h"

namespace sheaf::engine {

// How a model is held. The values in the file may be of another type.
struct Placement {
  at::Device device = at::kCPU;
  at::ScalarType dtype = at::kFloat;
};

// A low-rank change of one layer: up(down(x)) * scale is added to its output.
struct LowRank {
  at::Tensor down;
  at::Tensor up;
  double scale = 1.0;
};

// The changes that were made to a layer. Empty for most layers. Owned by the
// layer and by the code that applies adapters to the model, which may change it
// between two calls of the model only.
struct AdapterSlot {
  std::vector<LowRank> changes;
};

// The slots of a model by the name of their layer's weight:
// "mid_block.attentions.0.proj_in.weight".
using AdapterSlots = std::map<std::string, std::shared_ptr<AdapterSlot>>;

// The same values as a tensor of that type, on that device. A view of the
// file's memory where nothing has to change.
at::Tensor ToTorch(const Tensor& tensor, const Placement& placement);

// The same values on the CPU: floats as fp32, other types as they are.
at::Tensor ToTorch(const Tensor& tensor);

// On the CPU, contiguous; fp32 and int64 only.
Tensor FromTorch(const at::Tensor& tensor);

// Cheap to copy. Borrows the binder and the slots while a model is built.
class ModuleScope {
 public:
  ModuleScope(WeightScope weights, Placement placement, AdapterSlots* slots)
      : weights_(std::move(weights)), placement_(placement), slots_(slots) {}

  ModuleScope Sub(std::string_view name) const {
    return ModuleScope(weights_.Sub(name), placement_, slots_);
  }
  ModuleScope Sub(std::string_view name, size_t index) const {
    return ModuleScope(weights_.Sub(name, index), placement_, slots_);
  }

  // An undefined tensor where the weight is missing or mis-shaped: the binder
  // has noted that, and the model is never called.
  at::Tensor Get(std::string_view name,
                 const std::vector<int64_t>& shape) const;
  // An undefined tensor where there is no such weight, which is no fault.
  at::Tensor Find(std::string_view name) const;
  // As Get, for a matrix that some files hold as a 1 x 1 convolution and
  // others as a linear layer.
  at::Tensor GetMatrix(std::string_view name, int64_t rows,
                       int64_t columns) const;
  bool Has(std::string_view name) const {
    return weights_.Find(name) != nullptr;
  }
  // The slot of the layer at this place.
  std::shared_ptr<AdapterSlot> Slot() const;

  const Placement& placement() const { return placement_; }

 private:
  WeightScope weights_;
  Placement placement_;
  AdapterSlots* slots_;
};

}  // namespace sheaf::engine
