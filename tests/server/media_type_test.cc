#include "server/media_type.h"

#include <string>

#include "gtest/gtest.h"
#include "queue/error.h"

namespace sheaf::server {
namespace {

// The first 33 bytes of a PNG of these sides.
std::string PngHead(uint32_t width, uint32_t height) {
  std::string head("\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR", 16);
  for (const uint32_t side : {width, height}) {
    for (int shift = 24; shift >= 0; shift -= 8) head += char(side >> shift);
  }
  return head + std::string("\x08\x02\0\0\0crc!", 9);
}

TEST(MediaTypeTest, PicturesAreKnownByTheirFirstBytes) {
  EXPECT_EQ(SniffMediaType(PngHead(1, 1)), "image/png");
  EXPECT_EQ(SniffMediaType("\xff\xd8\xff\xe0"), "image/jpeg");
  EXPECT_EQ(SniffMediaType(std::string("RIFF\0\0\0\0WEBPVP8 ", 16)),
            "image/webp");
}

TEST(MediaTypeTest, AllElseIsOther) {
  for (const std::string& head :
       {std::string(), std::string("GIF89a"), std::string("<svg"),
        std::string("\x89PNG"), std::string("\xff\xd8"),
        std::string("RIFF\0\0\0\0WAVE", 12),
        std::string("RIFF\0\0\0\0WEB", 11)}) {
    EXPECT_EQ(SniffMediaType(head), kOtherMediaType) << head;
  }
}

std::optional<Reason> HeadReason(const std::string& head) {
  return ReasonOf(CheckPictureHead(head, 16384));
}

TEST(MediaTypeTest, PngHasAWholeHeaderWithSaneSides) {
  EXPECT_EQ(HeadReason(PngHead(16384, 1)), std::nullopt);
  EXPECT_EQ(HeadReason(PngHead(16385, 1)), Reason::kArtifactTooLarge);
  EXPECT_EQ(HeadReason(PngHead(1, 0xffffffff)), Reason::kArtifactTooLarge);
  EXPECT_EQ(HeadReason(PngHead(0, 1)), Reason::kArtifactTypeRefused);
  for (size_t size = 8; size < kMediaHeadBytes; ++size) {
    EXPECT_EQ(HeadReason(PngHead(1, 1).substr(0, size)),
              Reason::kArtifactTypeRefused)
        << size;
  }
  std::string wrong = PngHead(1, 1);
  wrong[12] = 'J';
  EXPECT_EQ(HeadReason(wrong), Reason::kArtifactTypeRefused);
}

TEST(MediaTypeTest, ClaimsMustAgreeWherePicturesAreConcerned) {
  EXPECT_TRUE(CheckClaim("", "image/png").ok());
  EXPECT_TRUE(CheckClaim("image/png", "image/png").ok());
  EXPECT_TRUE(CheckClaim(kOtherMediaType, "image/png").ok());
  EXPECT_TRUE(CheckClaim("application/json", kOtherMediaType).ok());
  for (const auto& [claimed, sniffed] :
       {std::pair("image/png", "image/jpeg"),
        {"text/html", "image/png"},
        {"image/gif", "application/octet-stream"},
        {"image/png", "application/octet-stream"}}) {
    EXPECT_EQ(ReasonOf(CheckClaim(claimed, sniffed)),
              Reason::kArtifactTypeRefused)
        << claimed << " " << sniffed;
  }
}

TEST(MediaTypeTest, ClaimIsShownWithoutItsControlCharacters) {
  const absl::Status status = CheckClaim("image/\n\x1b[31m", "image/png");
  EXPECT_EQ(std::string(status.message()).find('\n'), std::string::npos);
  EXPECT_EQ(std::string(status.message()).find('\x1b'), std::string::npos);
}

}  // namespace
}  // namespace sheaf::server
