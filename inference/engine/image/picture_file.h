// A picture file from a stranger, of any format that Sheaf takes.
#pragma once

#include <string_view>

#include "absl/status/statusor.h"
#include "inference/engine/image/image.h"

namespace sheaf::engine {

// Reads the size from the beginning of the file; nothing is unpacked.
// INVALID_ARGUMENT for bytes that do not begin like a PNG, JPEG or WebP.
absl::StatusOr<PictureSize> ReadPictureSize(std::string_view bytes);

// INVALID_ARGUMENT for bytes that are none of these, or a broken one;
// RESOURCE_EXHAUSTED for a picture over the limits.
absl::StatusOr<Image> DecodePicture(std::string_view bytes,
                                    const PictureLimits& limits = {});

}  // namespace sheaf::engine
