#include "server/media_type.h"

#include <cstdint>
#include <string>

#include "queue/error.h"

namespace sheaf::server {
namespace {

using namespace std::string_view_literals;

constexpr std::string_view kPngSignature = "\x89PNG\r\n\x1a\n"sv;
constexpr std::string_view kPngHeader = "\0\0\0\x0dIHDR"sv;

uint32_t BigEndian(std::string_view four) {
  uint32_t number = 0;
  for (const char c : four) number = number << 8 | static_cast<uint8_t>(c);
  return number;
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
  if (head.starts_with(kPngSignature)) return "image/png";
  if (head.starts_with("\xff\xd8\xff")) return "image/jpeg";
  if (head.starts_with("RIFF") && head.size() >= 12 &&
      head.substr(8, 4) == "WEBP") {
    return "image/webp";
  }
  return kOtherMediaType;
}

absl::Status CheckPictureHead(std::string_view head, uint32_t side_max) {
  if (!head.starts_with(kPngSignature)) return absl::OkStatus();
  const std::string_view header = head.substr(kPngSignature.size());
  if (head.size() < kMediaHeadBytes || !header.starts_with(kPngHeader)) {
    return Error(Reason::kArtifactTypeRefused, "the PNG has no whole header");
  }
  const uint32_t width = BigEndian(header.substr(8, 4));
  const uint32_t height = BigEndian(header.substr(12, 4));
  if (width == 0 || height == 0) {
    return Error(Reason::kArtifactTypeRefused, "the PNG has no pixels");
  }
  if (width > side_max || height > side_max) {
    return Error(Reason::kArtifactTooLarge,
                 "the PNG is " + std::to_string(width) + " by " +
                     std::to_string(height) + " pixels, at most " +
                     std::to_string(side_max) + " a side may be");
  }
  return absl::OkStatus();
}

absl::Status CheckClaim(std::string_view claimed, std::string_view sniffed) {
  if (claimed.empty() || claimed == sniffed) return absl::OkStatus();
  const bool claims_picture = claimed.starts_with("image/");
  const bool is_picture = sniffed.starts_with("image/");
  if (!claims_picture && !is_picture) return absl::OkStatus();
  if (claimed == kOtherMediaType) return absl::OkStatus();
  return Error(Reason::kArtifactTypeRefused, "the bytes are said to be " +
                                                 Show(claimed) + " but are " +
                                                 std::string(sniffed));
}

}  // namespace sheaf::server
