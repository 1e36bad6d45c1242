#include "inference/engine/image/picture_file.h"

#include <utility>

#include "base/status.h"
#include "inference/engine/image/jpeg.h"
#include "inference/engine/image/png.h"
#include "inference/engine/image/webp.h"

namespace sheaf::engine {
namespace {

bool IsPng(std::string_view bytes) { return bytes.starts_with("\x89PNG"); }
bool IsJpeg(std::string_view bytes) {
  return bytes.starts_with("\xff\xd8\xff");
}
bool IsWebp(std::string_view bytes) {
  return bytes.starts_with("RIFF") && bytes.size() >= 12 &&
         bytes.substr(8, 4) == "WEBP";
}

absl::Status Unknown() {
  return absl::InvalidArgumentError("it is no PNG, JPEG or WebP");
}

}  // namespace

absl::StatusOr<PictureSize> ReadPictureSize(std::string_view bytes) {
  if (IsPng(bytes)) return ReadPngSize(bytes);
  if (IsJpeg(bytes)) return ReadJpegSize(bytes);
  if (IsWebp(bytes)) return ReadWebpSize(bytes);
  return Unknown();
}

absl::StatusOr<Image> DecodePicture(std::string_view bytes,
                                    const PictureLimits& limits) {
  if (IsJpeg(bytes)) return DecodeJpeg(bytes, limits);
  if (IsWebp(bytes)) return DecodeWebp(bytes, limits);
  if (!IsPng(bytes)) return Unknown();
  SHEAF_ASSIGN_OR_RETURN(PngFile file,
                         DecodePng(bytes, {.picture = limits, .texts = false}));
  return std::move(file.image);
}

}  // namespace sheaf::engine
