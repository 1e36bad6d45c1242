// Tells the type of bytes from the bytes themselves, never from claims about
// them. Pure; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "absl/status/status.h"

namespace sheaf::server {

// The functions below look at this many of the first bytes.
inline constexpr size_t kMediaHeadBytes = 33;

inline constexpr std::string_view kOtherMediaType = "application/octet-stream";

// "image/png", "image/jpeg", "image/webp", or kOtherMediaType.
std::string_view SniffMediaType(std::string_view head);

struct PictureSize {
  uint32_t width = 0;
  uint32_t height = 0;
  bool operator==(const PictureSize&) const = default;
};

struct PictureLimits {
  uint32_t side_max = 16384;
  int64_t pixels_max = int64_t{64} << 20;
};

// ARTIFACT_TYPE_REFUSED for a picture without pixels, ARTIFACT_TOO_LARGE for
// one with too many.
absl::Status CheckPictureSize(PictureSize size, const PictureLimits& limits);

// Checks that the header of a PNG makes sense, and that a PNG or WebP picture
// is within the limits; a JPEG's size comes later in the bytes (JpegSizer).
// Errors as above.
absl::Status CheckPictureHead(std::string_view head,
                              const PictureLimits& limits);

// Finds a JPEG's size in its bytes as they come, without keeping them.
class JpegSizer {
 public:
  // Takes the bytes that come next. Ignores bytes that it no longer needs.
  void Update(std::string_view bytes);
  // Nothing before the size has come, or where the bytes are no JPEG.
  const std::optional<PictureSize>& size() const { return size_; }

 private:
  enum class At { kMarker, kCode, kLength, kFrame, kSkipped, kEnd };
  void Take(uint8_t byte);

  At at_ = At::kMarker;
  uint8_t code_ = 0;
  uint32_t value_ = 0;  // of the bytes of a number so far
  uint32_t have_ = 0;   // bytes of it, or of the frame's header
  uint32_t left_ = 0;   // of the segment
  PictureSize frame_;
  std::optional<PictureSize> size_;
};

// Whether bytes of type `sniffed` may be called `claimed` ("" claims nothing).
// ARTIFACT_TYPE_REFUSED where the types differ and one of them is a picture,
// unless `claimed` is kOtherMediaType.
absl::Status CheckClaim(std::string_view claimed, std::string_view sniffed);

}  // namespace sheaf::server
