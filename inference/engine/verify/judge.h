// How far results may be from the reference's, which was computed on a CPU in
// fp32, by where and in which numbers models are held.
#pragma once

#include <string>

#include "inference/engine/image/image.h"
#include "inference/engine/tensor/module_scope.h"
#include "inference/engine/verify/verify.h"

namespace sheaf::engine {

// The bounds of half precision. Distances are Euclidean ones, as parts of the
// reference's own length.
struct HalfBounds {
  double module = 0;   // One call of a model.
  double latents = 0;  // All steps of a picture.
  // The part of a picture's values that may be off by more than `levels`.
  double picture = 0;
  int levels = 0;
};

class Judge {
 public:
  explicit Judge(const Placement& placement);

  const Placement& placement() const { return placement_; }

  // Judges a model's output. In fp32 `tolerance` bounds the largest difference;
  // large values may be off by some units in the last place of the largest.
  void Module(const at::Tensor& actual, const at::Tensor& expected,
              double tolerance, Outcome* outcome) const;
  void Latents(const at::Tensor& actual, const at::Tensor& expected,
               Outcome* outcome) const;
  // `expected`: bytes, [height, width, channels].
  void Picture(const Image& actual, const at::Tensor& expected,
               Outcome* outcome) const;

  // The rules, for people: "bf16 on cpu: ...".
  std::string Rules() const;

 private:
  bool is_half() const { return placement_.dtype != at::kFloat; }

  const Placement placement_;
  const HalfBounds half_;
  // How many times further a device other than a CPU may be off in fp32: its
  // sums come in another order.
  const double elsewhere_;
};

}  // namespace sheaf::engine
