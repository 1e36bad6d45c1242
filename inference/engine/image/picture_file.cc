#include "inference/engine/image/picture_file.h"

#include <optional>
#include <utility>

#include "base/picture_format.h"
#include "base/status.h"
#include "inference/engine/image/jpeg.h"
#include "inference/engine/image/png.h"
#include "inference/engine/image/webp.h"

namespace sheaf::engine {
namespace {

absl::Status Unknown() {
  return absl::InvalidArgumentError("it is no PNG, JPEG or WebP");
}

}  // namespace

absl::StatusOr<PictureSize> ReadPictureSize(std::string_view bytes) {
  const std::optional<PictureFormat> format = PictureFormatOf(bytes);
  if (!format) return Unknown();
  switch (*format) {
    case PictureFormat::kPng:
      return ReadPngSize(bytes);
    case PictureFormat::kJpeg:
      return ReadJpegSize(bytes);
    case PictureFormat::kWebp:
      return ReadWebpSize(bytes);
  }
  return Unknown();
}

absl::StatusOr<Image> DecodePicture(std::string_view bytes,
                                    const PictureLimits& limits) {
  const std::optional<PictureFormat> format = PictureFormatOf(bytes);
  if (format == PictureFormat::kJpeg) return DecodeJpeg(bytes, limits);
  if (format == PictureFormat::kWebp) return DecodeWebp(bytes, limits);
  if (format != PictureFormat::kPng) return Unknown();
  SHEAF_ASSIGN_OR_RETURN(PngFile file,
                         DecodePng(bytes, {.picture = limits, .texts = false}));
  return std::move(file.image);
}

}  // namespace sheaf::engine
