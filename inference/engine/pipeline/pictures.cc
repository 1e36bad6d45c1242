#include "inference/engine/pipeline/pictures.h"

#include <cstring>

#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "inference/engine/control/filters.h"
#include "inference/engine/tensor/accelerator.h"
#include "inference/engine/tensor/guard.h"

namespace sheaf::engine {
namespace {

Image Resized(const Image& image, int width, int height) {
  if (image.width == width && image.height == height) return image;
  return Resize(image, width, height, ResizeFilter::kLanczos);
}

at::Tensor FromPixels(const Image& image) {
  at::Tensor pixels =
      at::empty({image.height, image.width, image.channels}, at::kByte);
  std::memcpy(pixels.data_ptr(), image.pixels.data(), image.pixels.size());
  return pixels.permute({2, 0, 1}).to(at::kFloat).contiguous();
}

// The integer arithmetic by which the reference turns colours to grey.
Image Grey(const Image& rgb) {
  Image grey = MakeImage(rgb.width, rgb.height, 1);
  for (size_t i = 0; i < grey.pixels.size(); ++i) {
    const uint8_t* pixel = &rgb.pixels[3 * i];
    grey.pixels[i] = static_cast<uint8_t>(
        (19595 * pixel[0] + 38470 * pixel[1] + 7471 * pixel[2] + 0x8000) >> 16);
  }
  return grey;
}

// Decodes one row. Where memory runs out, gives kept memory back and tries
// again, then decodes in tiles.
absl::StatusOr<at::Tensor> DecodeInSteps(const Vae& vae,
                                         const at::Tensor& latents,
                                         VaeOptions options) {
  at::Tensor picture;
  const auto decode = [&] {
    return Guard("decoding a picture", [&] {
      picture = vae.Decode(vae.Unscale(latents.unsqueeze(0)), options)
                    .to(at::kCPU, at::kFloat);
    });
  };
  absl::Status status = decode();
  if (absl::IsResourceExhausted(status)) {
    ReleaseKeptMemory(latents.device());
    status = decode();
  }
  if (absl::IsResourceExhausted(status) && !options.tiling) {
    options.tiling = true;
    status = decode();
  }
  SHEAF_RETURN_IF_ERROR(status);
  return picture;
}

// INTERNAL where a value of `tensor`, which `who` returned, is not finite.
absl::Status CheckFinite(const at::Tensor& tensor, std::string_view who) {
  bool is_finite = false;
  SHEAF_RETURN_IF_ERROR(Guard("looking for numbers", [&] {
    is_finite = at::isfinite(tensor).all().item<bool>();
  }));
  if (is_finite) return absl::OkStatus();
  return absl::InternalError(
      absl::StrCat(ToAbsl(who), " answered with what is no number"));
}

absl::StatusOr<at::Tensor> Decode(const Model& model, const at::Tensor& latents,
                                  const VaeOptions& options) {
  SHEAF_RETURN_IF_ERROR(CheckFinite(latents, "the denoiser"));
  SHEAF_ASSIGN_OR_RETURN(const at::Tensor picture,
                         DecodeInSteps(*model.vae, latents, options));
  const absl::Status finite = CheckFinite(picture, "the autoencoder");
  const bool is_half = model.options.placement.dtype != at::kFloat;
  if (!is_half || !absl::IsInternal(finite)) {
    SHEAF_RETURN_IF_ERROR(finite);
    return picture;
  }
  Placement placement = model.options.placement;
  placement.dtype = at::kFloat;
  SHEAF_ASSIGN_OR_RETURN(const auto full, LoadVae(model, placement));
  SHEAF_ASSIGN_OR_RETURN(const at::Tensor again,
                         DecodeInSteps(*full, latents, options));
  SHEAF_RETURN_IF_ERROR(CheckFinite(again, "the autoencoder"));
  return again;
}

}  // namespace

at::Tensor PictureToTensor(const Image& image, int width, int height) {
  return FromPixels(Resized(ToRgb(image), width, height)) / 255.0;
}

at::Tensor MaskToTensor(const Image& mask, int width, int height) {
  const Image grey = Grey(Resized(ToRgb(mask), width, height));
  return (FromPixels(grey) / 255.0).ge(0.5).to(at::kFloat);
}

Image TensorToPicture(const at::Tensor& picture) {
  const at::Tensor pixels =
      at::round((picture.to(at::kFloat) / 2 + 0.5).clamp(0, 1) * 255)
          .to(at::kByte)
          .permute({1, 2, 0})
          .contiguous();
  Image image = MakeImage(static_cast<int>(pixels.size(1)),
                          static_cast<int>(pixels.size(0)),
                          static_cast<int>(pixels.size(2)));
  std::memcpy(image.pixels.data(), pixels.data_ptr(), image.pixels.size());
  return image;
}

absl::StatusOr<std::vector<Image>> DecodePictures(
    const Model& model, const std::vector<at::Tensor>& latents,
    const VaeOptions& options) {
  const c10::InferenceMode no_gradients;
  std::vector<Image> images;
  for (const at::Tensor& one : latents) {
    SHEAF_ASSIGN_OR_RETURN(const at::Tensor picture,
                           Decode(model, one, options));
    SHEAF_RETURN_IF_ERROR(Guard("taking a picture's pixels", [&] {
      images.push_back(TensorToPicture(picture[0]));
    }));
  }
  return images;
}

}  // namespace sheaf::engine
