// What a picture looks like while it is made: the clean latent that a row's
// last step predicted, as colours.
#pragma once

#include <optional>
#include <utility>

#include "absl/status/statusor.h"
#include "inference/engine/image/preview.h"
#include "inference/engine/models/vae.h"

namespace sheaf::engine {

// Colours as a linear function of latents: what an autoencoder made latents of,
// at one pixel per latent, as far as a matrix can say it. Immutable.
class LatentColours {
 public:
  // Learned from the autoencoder itself, by least squares: it encodes a few
  // small pictures that are always the same, since what samplers make are
  // latents of pictures. Costs as much as encoding one of 256 pixels a side.
  // INTERNAL where the autoencoder answers with what is no number; the errors
  // of Guard().
  static absl::StatusOr<LatentColours> Learn(const Vae& vae);

  // From latents as samplers leave them, [channels, height, width], to colours
  // about in [-1, 1], [3, height, width], on the CPU. Throws as LibTorch does.
  at::Tensor Of(const at::Tensor& latents) const;

 private:
  explicit LatentColours(at::Tensor weights) : weights_(std::move(weights)) {}

  at::Tensor weights_;  // [channels + 1, 3], the constant last; fp32, CPU.
};

// Draws previews for one autoencoder, which must outlive it. One thread.
class Previewer {
 public:
  explicit Previewer(const Vae* vae) : vae_(vae) {}

  // Of a row's prediction(). A tiny autoencoder decodes it as it is; for
  // others, colours are learned at the first call, once and for all, also that
  // they cannot be: INTERNAL, or the errors of Guard().
  absl::StatusOr<Preview> Draw(const at::Tensor& prediction);

 private:
  absl::StatusOr<at::Tensor> Colours(const at::Tensor& prediction);

  const Vae* const vae_;
  std::optional<absl::StatusOr<LatentColours>> colours_;
};

}  // namespace sheaf::engine
