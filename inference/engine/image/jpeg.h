// JPEG files from strangers.
#pragma once

#include <string_view>

#include "absl/status/statusor.h"
#include "inference/engine/image/image.h"

namespace sheaf::engine {

// Reads the size from the beginning of the file; nothing is unpacked.
// INVALID_ARGUMENT for bytes that do not begin like a JPEG.
absl::StatusOr<PictureSize> ReadJpegSize(std::string_view bytes);

// The picture in RGB, turned as its camera was held (Exif's orientation).
// INVALID_ARGUMENT with libjpeg's words for bytes that are no JPEG, a broken
// one or one that ends early; RESOURCE_EXHAUSTED for one over the limits,
// before its pixels are touched.
absl::StatusOr<Image> DecodeJpeg(std::string_view bytes,
                                 const PictureLimits& limits = {});

}  // namespace sheaf::engine
