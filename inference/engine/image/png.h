// PNG files: reads files from strangers, and writes ours with texts that say
// how they were made.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "inference/engine/image/image.h"

namespace sheaf::engine {

// Keyword and UTF-8 text, in the order of the file.
using PngTexts = std::vector<std::pair<std::string, std::string>>;

struct PngFile {
  Image image;
  // The full values of a 16-bit grey file (a depth map), in [0, 65535]; empty
  // for any other.
  Plane deep;
  PngTexts texts;
};

struct PngLimits {
  PictureLimits picture;
  // Most bytes of one text (or other extra chunk), unpacked; at most 32 chunks
  // are kept.
  size_t chunk_bytes_max = size_t{4} << 20;
  // If false, texts and other chunks without pixels are skipped unread: a
  // packed chunk may unpack to a thousand times its size in the file.
  bool texts = true;
};

// Reads the size from the beginning of the file; nothing is unpacked.
// INVALID_ARGUMENT for bytes that do not begin like a PNG.
absl::StatusOr<PictureSize> ReadPngSize(std::string_view bytes);

// INVALID_ARGUMENT with libpng's words for bytes that are no PNG or a broken
// one; RESOURCE_EXHAUSTED for a PNG over the limits, before its pixels are
// touched.
absl::StatusOr<PngFile> DecodePng(std::string_view bytes,
                                  const PngLimits& limits = {});

// The file's bytes, always the same for the same arguments. A text is written
// as tEXt where Latin-1 will do, as iTXt elsewhere. INVALID_ARGUMENT where the
// image's size and pixels disagree or a keyword is not 1 to 79 printable ASCII
// characters.
absl::StatusOr<std::string> EncodePng(const Image& image,
                                      const PngTexts& texts);

}  // namespace sheaf::engine
