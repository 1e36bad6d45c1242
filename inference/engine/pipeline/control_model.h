// A model that steers another one by a picture: a ControlNet. Its family knows
// how; the rest of the engine only prepares the picture.
#pragma once

#include "inference/engine/tensor/torch.h"

namespace sheaf::engine {

// Immutable. Any thread. Works with the models of its own family alone.
class ControlModel {
 public:
  virtual ~ControlModel() = default;

  // Turns pictures, [rows, 3, height, width] in [0, 1], RGB, into the map that
  // the family's denoiser takes. It is the same at every step of a run. Throws
  // as LibTorch does.
  virtual at::Tensor Hint(const at::Tensor& pictures) const = 0;
  // Whether it was trained to work as in guess mode, for pictures without a
  // prompt.
  virtual bool guesses() const = 0;
};

}  // namespace sheaf::engine
