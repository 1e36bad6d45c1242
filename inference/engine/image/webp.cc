#include "inference/engine/image/webp.h"

#include <webp/decode.h>

#include "base/status.h"

namespace sheaf::engine {
namespace {

const uint8_t* Data(std::string_view bytes) {
  return reinterpret_cast<const uint8_t*>(bytes.data());
}

absl::StatusOr<WebPBitstreamFeatures> ReadFeatures(std::string_view bytes) {
  WebPBitstreamFeatures features;
  if (WebPGetFeatures(Data(bytes), bytes.size(), &features) != VP8_STATUS_OK) {
    return absl::InvalidArgumentError("WebP: it does not begin like one");
  }
  return features;
}

}  // namespace

absl::StatusOr<PictureSize> ReadWebpSize(std::string_view bytes) {
  SHEAF_ASSIGN_OR_RETURN(const WebPBitstreamFeatures features,
                         ReadFeatures(bytes));
  return PictureSize{features.width, features.height};
}

absl::StatusOr<Image> DecodeWebp(std::string_view bytes,
                                 const PictureLimits& limits) {
  SHEAF_ASSIGN_OR_RETURN(const WebPBitstreamFeatures features,
                         ReadFeatures(bytes));
  if (features.has_animation) {
    return absl::InvalidArgumentError("WebP: it is an animation");
  }
  if (!limits.Allow({features.width, features.height})) {
    return absl::ResourceExhaustedError(
        "WebP: the picture is larger than allowed");
  }
  Image image =
      MakeImage(features.width, features.height, features.has_alpha ? 4 : 3);
  const auto decode =
      features.has_alpha ? WebPDecodeRGBAInto : WebPDecodeRGBInto;
  if (decode(Data(bytes), bytes.size(), image.pixels.data(),
             image.pixels.size(), image.width * image.channels) == nullptr) {
    return absl::InvalidArgumentError("WebP: the file is broken");
  }
  return image;
}

}  // namespace sheaf::engine
