#include "inference/engine/pipeline/preview.h"

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "base/status.h"
#include "inference/engine/pipeline/pictures.h"
#include "inference/engine/random/normals.h"
#include "inference/engine/tensor/guard.h"

namespace sheaf::engine {
namespace {

// At eight pixels per latent, four pictures of 16 by 16 latents have as many
// pixels as one of 256 by 256. They give 1024 equations for a handful of
// unknowns.
constexpr int64_t kSampleCount = 4;
constexpr int64_t kSampleSide = 16;
constexpr int64_t kPatchSide = 4;
// Keeps the equations solvable where a channel has no effect.
constexpr double kRidge = 1e-6;

// [samples, 3, side, side] in [-1, 1]: patches of colour, sharp in one half of
// the pictures and soft in the other. They have a generator of their own, so
// that a row's noise does not depend on whether it is previewed.
at::Tensor SamplePictures(int64_t side) {
  Normals normals(RandomMode::kCpu, 0);
  const std::vector<float> values = normals.Draw(
      static_cast<size_t>(kSampleCount * 3 * kPatchSide * kPatchSide));
  const at::Tensor patches = at::tanh(
      at::tensor(values).reshape({kSampleCount, 3, kPatchSide, kPatchSide}));
  const std::vector<int64_t> size = {side, side};
  return at::cat({at::upsample_nearest2d(patches.slice(0, 0, 2), size),
                  at::upsample_bilinear2d(patches.slice(0, 2), size,
                                          /*align_corners=*/false)});
}

// [rows, channels, height, width] as [pixels, channels], in double.
at::Tensor AsPixels(const at::Tensor& maps) {
  return maps.to(at::kDouble).permute({0, 2, 3, 1}).flatten(0, 2);
}

// [pixels, channels + 1]: appends a constant 1 to each pixel.
at::Tensor WithOne(const at::Tensor& pixels) {
  return at::cat({pixels, at::ones({pixels.size(0), 1}, pixels.options())}, 1);
}

// The pictures' latents, as samplers have them. Encodes one picture after the
// other, so that memory for one small picture suffices.
at::Tensor EncodeSmall(const Vae& vae, const at::Tensor& pictures) {
  std::vector<at::Tensor> latents;
  for (int64_t i = 0; i < pictures.size(0); ++i) {
    const at::Tensor encoded = vae.Encode(pictures.slice(0, i, i + 1), {});
    latents.push_back(vae.Scale(MeanOf(encoded)).to(at::kCPU, at::kFloat));
  }
  return at::cat(latents);
}

at::Tensor LeastSquares(const at::Tensor& inputs, const at::Tensor& outputs) {
  const at::Tensor squares = at::matmul(inputs.t(), inputs) / inputs.size(0) +
                             kRidge * at::eye(inputs.size(1), inputs.options());
  return at::linalg_solve(squares,
                          at::matmul(inputs.t(), outputs) / inputs.size(0));
}

}  // namespace

absl::StatusOr<LatentColours> LatentColours::Learn(const Vae& vae) {
  at::Tensor weights;
  bool is_finite = false;
  SHEAF_RETURN_IF_ERROR(Guard("learning what latents look like", [&] {
    const int64_t scale = vae.config().scale();
    const at::Tensor pictures = SamplePictures(kSampleSide * scale);
    const at::Tensor latents = EncodeSmall(vae, pictures);
    weights = LeastSquares(WithOne(AsPixels(latents)),
                           AsPixels(at::avg_pool2d(pictures, {scale, scale})))
                  .to(at::kFloat);
    is_finite = at::isfinite(weights).all().item<bool>();
  }));
  if (!is_finite) {
    return absl::InternalError(
        "the autoencoder answers small pictures with "
        "what is no number");
  }
  return LatentColours(std::move(weights));
}

at::Tensor LatentColours::Of(const at::Tensor& latents) const {
  const at::Tensor values = latents.to(at::kCPU, at::kFloat);
  const int64_t channels = values.size(0);
  const at::Tensor colours =
      at::matmul(weights_.slice(0, 0, channels).t(), values.flatten(1)) +
      weights_[channels].unsqueeze(1);
  return colours.reshape({-1, values.size(1), values.size(2)});
}

absl::StatusOr<at::Tensor> Previewer::Colours(const at::Tensor& prediction) {
  const bool is_tiny = vae_->config().is_tiny;
  if (!is_tiny) {
    if (!colours_) colours_ = LatentColours::Learn(*vae_);
    SHEAF_RETURN_IF_ERROR(colours_->status());
  }
  at::Tensor colours;
  SHEAF_RETURN_IF_ERROR(Guard("drawing a preview", [&] {
    colours =
        is_tiny
            ? vae_->Decode(vae_->Unscale(prediction.unsqueeze(0)), {})[0].to(
                  at::kCPU, at::kFloat)
            : (*colours_)->Of(prediction);
  }));
  return colours;
}

absl::StatusOr<Preview> Previewer::Draw(const at::Tensor& prediction) {
  SHEAF_ASSIGN_OR_RETURN(const at::Tensor colours, Colours(prediction));
  Preview preview;
  SHEAF_RETURN_IF_ERROR(Guard(
      "drawing a preview", [&] { preview.image = TensorToPicture(colours); }));
  const auto scale = static_cast<double>(vae_->config().scale());
  const double width = static_cast<double>(prediction.size(2)) * scale;
  const double height = static_cast<double>(prediction.size(1)) * scale;
  const double fit = std::min(1.0, Preview::kSideMax / std::max(width, height));
  preview.width = std::max(1, static_cast<int>(std::lround(width * fit)));
  preview.height = std::max(1, static_cast<int>(std::lround(height * fit)));
  return preview;
}

}  // namespace sheaf::engine
