#include "base/picture_format.h"

namespace sheaf {

std::optional<PictureFormat> PictureFormatOf(std::string_view head) {
  if (head.starts_with("\x89PNG\r\n\x1a\n")) return PictureFormat::kPng;
  if (head.starts_with("\xff\xd8\xff")) return PictureFormat::kJpeg;
  if (head.starts_with("RIFF") && head.size() >= kPictureFormatBytes &&
      head.substr(8, 4) == "WEBP") {
    return PictureFormat::kWebp;
  }
  return std::nullopt;
}

}  // namespace sheaf
