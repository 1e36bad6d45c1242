// WebP files from strangers.
#pragma once

#include <string_view>

#include "absl/status/statusor.h"
#include "inference/engine/image/image.h"

namespace sheaf::engine {

// Reads the size from the beginning of the file; nothing is unpacked.
// INVALID_ARGUMENT for bytes that do not begin like a WebP.
absl::StatusOr<PictureSize> ReadWebpSize(std::string_view bytes);

// The picture in RGB, or RGBA where it has an alpha channel. INVALID_ARGUMENT
// for bytes that are no WebP, a broken one, or an animation; RESOURCE_EXHAUSTED
// for one over the limits, before its pixels are touched.
absl::StatusOr<Image> DecodeWebp(std::string_view bytes,
                                 const PictureLimits& limits = {});

}  // namespace sheaf::engine
