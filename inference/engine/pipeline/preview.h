// Previews of pictures in the making: the clean latent that a row's last step
// predicted, as colours.
#pragma once

#include <optional>
#include <utility>

#include "absl/status/statusor.h"
#include "inference/engine/image/preview.h"
#include "inference/engine/models/vae.h"

namespace sheaf::engine {

// A linear function from latents to colours, at one pixel per latent: a rough
// stand-in for an autoencoder's decoder. Immutable.
class LatentColours {
 public:
  // Learns the function from the autoencoder, by least squares: the autoencoder
  // encodes a few small pictures that are always the same, since samplers make
  // latents of pictures, too. Costs as much as encoding one picture of 256
  // pixels a side. INTERNAL where the autoencoder returns values that are not
  // finite; the errors of Guard().
  static absl::StatusOr<LatentColours> Learn(const Vae& vae);

  // Turns latents as samplers leave them, [channels, height, width], into
  // colours about in [-1, 1], [3, height, width], on the CPU. Throws as
  // LibTorch does.
  at::Tensor Of(const at::Tensor& latents) const;

 private:
  explicit LatentColours(at::Tensor weights) : weights_(std::move(weights)) {}

  at::Tensor weights_;  // [channels + 1, 3], the constant last; fp32, CPU.
};

// Draws previews for one autoencoder, which must outlive it. One thread.
class Previewer {
 public:
  explicit Previewer(const Vae* vae) : vae_(vae) {}

  // Draws a row's prediction(). A tiny autoencoder decodes it directly. For
  // others, the first call learns the colours, once: if that fails, all later
  // calls return the same error. INTERNAL, or the errors of Guard().
  absl::StatusOr<Preview> Draw(const at::Tensor& prediction);

 private:
  absl::StatusOr<at::Tensor> Colours(const at::Tensor& prediction);

  const Vae* const vae_;
  std::optional<absl::StatusOr<LatentColours>> colours_;
};

}  // namespace sheaf::engine
