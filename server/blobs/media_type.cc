#include "server/blobs/media_type.h"

#include <algorithm>
#include <string>

#include "base/picture_format.h"
#include "queue/error.h"

namespace sheaf::server {
namespace {

using namespace std::string_view_literals;

constexpr size_t kPngSignatureBytes = 8;
constexpr std::string_view kPngHeader = "\0\0\0\x0dIHDR"sv;

uint32_t BigEndian(std::string_view four) {
  uint32_t number = 0;
  for (const char c : four) number = number << 8 | static_cast<uint8_t>(c);
  return number;
}

uint32_t LittleEndian(std::string_view bytes) {
  uint32_t number = 0;
  for (size_t i = bytes.size(); i > 0; --i) {
    number = number << 8 | static_cast<uint8_t>(bytes[i - 1]);
  }
  return number;
}

// The size of a WebP picture of any of the three kinds. Nothing where the bytes
// are cut short or of a fourth kind.
std::optional<PictureSize> WebpSize(std::string_view head) {
  if (head.size() < 30) return std::nullopt;
  const std::string_view kind = head.substr(12, 4);
  if (kind == "VP8X") {
    return PictureSize{LittleEndian(head.substr(24, 3)) + 1,
                       LittleEndian(head.substr(27, 3)) + 1};
  }
  if (kind == "VP8L" && head[20] == 0x2f) {
    const uint32_t bits = LittleEndian(head.substr(21, 4));
    return PictureSize{(bits & 0x3fff) + 1, (bits >> 14 & 0x3fff) + 1};
  }
  if (kind == "VP8 " && head.substr(23, 3) == "\x9d\x01\x2a"sv) {
    return PictureSize{LittleEndian(head.substr(26, 2)) & 0x3fff,
                       LittleEndian(head.substr(28, 2)) & 0x3fff};
  }
  return std::nullopt;
}

// Whether a JPEG's segment of this code says how large the picture is: all
// "start of frame" codes do, but three codes in their range mean other things.
bool IsFrame(uint8_t code) {
  return code >= 0xc0 && code <= 0xcf && code != 0xc4 && code != 0xc8 &&
         code != 0xcc;
}

// Whether nothing follows the code itself.
bool IsBare(uint8_t code) {
  return code == 0x01 || (code >= 0xd0 && code <= 0xd8);
}

// Callers' text in a message of ours: short, and nothing that prints oddly.
std::string Show(std::string_view text) {
  std::string shown(text.substr(0, 40));
  for (char& c : shown) {
    if (c < 0x20 || c >= 0x7f) c = '?';
  }
  return shown;
}

}  // namespace

std::string_view SniffMediaType(std::string_view head) {
  const std::optional<PictureFormat> format = PictureFormatOf(head);
  if (!format) return kOtherMediaType;
  switch (*format) {
    case PictureFormat::kPng:
      return "image/png";
    case PictureFormat::kJpeg:
      return "image/jpeg";
    case PictureFormat::kWebp:
      return "image/webp";
  }
  return kOtherMediaType;
}

absl::Status CheckPictureSize(PictureSize size, const PictureLimits& limits) {
  if (size.width == 0 || size.height == 0) {
    return Error(Reason::kArtifactTypeRefused, "the picture has no pixels");
  }
  const std::string sides = "the picture is " + std::to_string(size.width) +
                            " by " + std::to_string(size.height) + " pixels";
  if (size.width > limits.side_max || size.height > limits.side_max) {
    return Error(Reason::kArtifactTooLarge,
                 sides + ", at most " + std::to_string(limits.side_max) +
                     " a side are allowed");
  }
  if (int64_t{size.width} * size.height > limits.pixels_max) {
    return Error(Reason::kArtifactTooLarge,
                 sides + ", at most " + std::to_string(limits.pixels_max) +
                     " in all are allowed");
  }
  return absl::OkStatus();
}

absl::Status CheckPictureHead(std::string_view head,
                              const PictureLimits& limits) {
  const std::optional<PictureFormat> format = PictureFormatOf(head);
  if (format == PictureFormat::kWebp) {
    const std::optional<PictureSize> size = WebpSize(head);
    return size ? CheckPictureSize(*size, limits) : absl::OkStatus();
  }
  if (format != PictureFormat::kPng) return absl::OkStatus();
  const std::string_view header = head.substr(kPngSignatureBytes);
  if (head.size() < kMediaHeadBytes || !header.starts_with(kPngHeader)) {
    return Error(Reason::kArtifactTypeRefused,
                 "the header of the PNG is incomplete");
  }
  return CheckPictureSize(
      {BigEndian(header.substr(8, 4)), BigEndian(header.substr(12, 4))},
      limits);
}

void JpegSizer::Update(std::string_view bytes) {
  while (!bytes.empty() && at_ != At::kEnd) {
    if (at_ == At::kSkipped) {
      const size_t count = std::min<size_t>(left_, bytes.size());
      bytes.remove_prefix(count);
      left_ -= static_cast<uint32_t>(count);
      if (left_ == 0) at_ = At::kMarker;
      continue;
    }
    Take(static_cast<uint8_t>(bytes[0]));
    bytes.remove_prefix(1);
  }
}

void JpegSizer::Take(uint8_t byte) {
  switch (at_) {
    case At::kMarker:
      at_ = byte == 0xff ? At::kCode : At::kEnd;
      return;
    case At::kCode:
      if (byte == 0xff) return;  // filling
      code_ = byte;
      value_ = have_ = 0;
      at_ = IsBare(code_) ? At::kMarker : At::kLength;
      // The picture itself begins, or the end has come, and no frame was there.
      if (code_ == 0xda || code_ == 0xd9 || code_ == 0) at_ = At::kEnd;
      return;
    case At::kLength:
      value_ = value_ << 8 | byte;
      if (++have_ < 2) return;
      if (value_ < 2) {
        at_ = At::kEnd;
        return;
      }
      left_ = value_ - 2;  // the length counts itself
      value_ = have_ = 0;
      at_ = IsFrame(code_) ? At::kFrame
                           : (left_ > 0 ? At::kSkipped : At::kMarker);
      return;
    case At::kFrame:  // precision, height, width: 1, 2 and 2 bytes
      value_ = (value_ << 8 | byte) & 0xffff;
      if (++have_ == 3) frame_.height = value_;
      if (have_ < 5) return;
      frame_.width = value_;
      size_ = frame_;
      at_ = At::kEnd;
      return;
    case At::kSkipped:
    case At::kEnd:
      return;
  }
}

absl::Status CheckClaim(std::string_view claimed, std::string_view sniffed) {
  if (claimed.empty() || claimed == sniffed) return absl::OkStatus();
  const bool claims_picture = claimed.starts_with("image/");
  const bool is_picture = sniffed.starts_with("image/");
  if (!claims_picture && !is_picture) return absl::OkStatus();
  if (claimed == kOtherMediaType) return absl::OkStatus();
  return Error(Reason::kArtifactTypeRefused, "the bytes are declared as " +
                                                 Show(claimed) + " but are " +
                                                 std::string(sniffed));
}

}  // namespace sheaf::server
