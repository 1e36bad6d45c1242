// Binding a model's weights by name. A module asks for each tensor it needs,
// with the shape it needs; weights that are missing, mis-shaped or left over
// come out in one message, by name.
//
//   WeightBinder binder(tensors, "tiny-sd/unet");
//   WeightScope scope(&binder);
//   conv.weight = scope.Sub("conv_in").Get("weight", {320, 4, 3, 3});
//   SHEAF_RETURN_IF_ERROR(binder.Finish());
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "inference/engine/weights/tensor.h"

namespace sheaf::engine {

// Used by one thread while a model is built. Borrows the tensors.
class WeightBinder {
 public:
  // `source` names the model in messages.
  WeightBinder(const TensorMap& tensors, std::string source)
      : tensors_(tensors), source_(std::move(source)) {}

  // Null where there is none, or one of another shape; both are kept for
  // Finish(). -1 in `shape` allows any size.
  const Tensor* Get(std::string_view key, const std::vector<int64_t>& shape);
  // Null where there is none, which is no fault.
  const Tensor* Find(std::string_view key);

  // Keys that no module asked for, except for keys that end in one of `ignored`
  // ("position_ids").
  std::vector<std::string> Unused(
      const std::vector<std::string_view>& ignored) const;

  // INVALID_ARGUMENT that lists (up to a handful of) missing and mis-shaped
  // keys.
  absl::Status Finish() const;

  // The keys that Get() did not find, with the shapes that were asked for. A
  // model built over no tensors lists all its keys here.
  struct Wanted {
    std::string key;
    std::vector<int64_t> shape;
  };
  const std::vector<Wanted>& missing() const { return missing_; }

 private:
  const TensorMap& tensors_;
  const std::string source_;
  std::set<std::string, std::less<>> used_;
  std::vector<Wanted> missing_;
  std::vector<std::string> misshaped_;
};

// A place in the tree of names: "down_blocks.0.resnets.1". Cheap to copy.
class WeightScope {
 public:
  explicit WeightScope(WeightBinder* binder, std::string prefix = "")
      : binder_(binder), prefix_(std::move(prefix)) {}

  WeightScope Sub(std::string_view name) const;
  WeightScope Sub(std::string_view name, size_t index) const;

  // As WeightBinder's, below this place.
  const Tensor* Get(std::string_view name,
                    const std::vector<int64_t>& shape) const {
    return binder_->Get(Path(name), shape);
  }
  const Tensor* Find(std::string_view name) const {
    return binder_->Find(Path(name));
  }
  // The full name of `name` here: for messages, and for adapters.
  std::string Path(std::string_view name) const;

 private:
  WeightBinder* binder_;
  std::string prefix_;
};

}  // namespace sheaf::engine
