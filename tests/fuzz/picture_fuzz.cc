// Any bytes as a JPEG or WebP file: refused, or a picture of the size it says
// (or of that size turned).
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "inference/engine/image/picture_file.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace sheaf::engine;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const auto says = ReadPictureSize(bytes);
  const auto image =
      DecodePicture(bytes, {.side_max = 64, .pixels_max = 64 * 64});
  if (!image.ok()) return 0;
  if (!says.ok() || says->pixels() != int64_t{image->width} * image->height ||
      std::max(says->width, says->height) !=
          std::max(image->width, image->height)) {
    std::abort();
  }
  return 0;
}
