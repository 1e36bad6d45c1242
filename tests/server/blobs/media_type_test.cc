#include "server/blobs/media_type.h"

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
  return ReasonOf(CheckPictureHead(head, {.side_max = 16384}));
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

TEST(MediaTypeTest, PictureHasAtMostSoManyPixels) {
  EXPECT_EQ(HeadReason(PngHead(8192, 8192)), std::nullopt);
  EXPECT_EQ(HeadReason(PngHead(8192, 8193)), Reason::kArtifactTooLarge);
  EXPECT_EQ(HeadReason(PngHead(16384, 4096)), std::nullopt);
  EXPECT_TRUE(CheckPictureHead(PngHead(10, 10), {.pixels_max = 100}).ok());
  EXPECT_FALSE(CheckPictureHead(PngHead(10, 11), {.pixels_max = 100}).ok());
}

// The first bytes of a WebP picture, padded as files are.
std::string Webp(const std::string& kind, const std::string& rest) {
  std::string head = "RIFF" + std::string(4, '\0') + "WEBP" + kind +
                     std::string(4, '\0') + rest;
  head.resize(kMediaHeadBytes, '\0');
  return head;
}

TEST(MediaTypeTest, SizeOfAWebpPictureIsKnownWhateverItsKind) {
  const std::string start("\0\0\0\x9d\x01\x2a", 6);
  EXPECT_EQ(HeadReason(Webp("VP8 ", start + std::string("\x10\0\x10\0", 4))),
            std::nullopt);
  EXPECT_EQ(HeadReason(Webp("VP8 ", start + "\xff\x3f\xff\x3f")),
            Reason::kArtifactTooLarge);
  EXPECT_EQ(HeadReason(Webp("VP8 ", start)), Reason::kArtifactTypeRefused);
  EXPECT_EQ(HeadReason(Webp("VP8L", std::string("\x2f\x09\0\0\0", 5))),
            std::nullopt);
  EXPECT_EQ(HeadReason(Webp("VP8L", "\x2f\xff\xff\xff\x0f")),
            Reason::kArtifactTooLarge);
  EXPECT_EQ(HeadReason(Webp("VP8X", std::string(10, '\0'))), std::nullopt);
  EXPECT_EQ(HeadReason(Webp("VP8X", std::string("\0\0\0\0\0\x40\0\0\0\0", 10))),
            Reason::kArtifactTooLarge);
}

// A JPEG: its start, an application's segment of `junk` bytes, a frame.
std::string Jpeg(size_t junk, uint16_t width, uint16_t height,
                 char frame = '\xc2') {
  const auto two = [](size_t n) {
    return std::string{static_cast<char>(n >> 8), static_cast<char>(n)};
  };
  // A frame's code within a skipped segment means nothing.
  std::string filler("\xff\xc0\0\x11\x08\0\1\0\1", 9);
  filler.resize(junk, '\xff');
  return "\xff\xd8\xff\xe1" + two(junk + 2) + filler + "\xff\xff" + frame +
         two(17) + "\x08" + two(height) + two(width) + std::string(10, 'x');
}

TEST(JpegSizerTest, SizeIsFoundHoweverTheBytesAreCut) {
  const std::string bytes = Jpeg(60'000, 640, 480);
  for (const size_t piece : {1, 2, 3, 7, 59'999, 100'000}) {
    JpegSizer sizer;
    for (size_t at = 0; at < bytes.size(); at += piece) {
      sizer.Update(std::string_view(bytes).substr(at, piece));
    }
    EXPECT_EQ(sizer.size(), (PictureSize{640, 480})) << piece;
  }
}

TEST(JpegSizerTest, EveryKindOfFrameTellsItAndTablesDoNot) {
  for (const char frame : {'\xc0', '\xc1', '\xc2', '\xc3', '\xcf'}) {
    JpegSizer sizer;
    sizer.Update(Jpeg(20, 3, 5, frame));
    EXPECT_EQ(sizer.size(), (PictureSize{3, 5}));
  }
  JpegSizer sizer;
  sizer.Update(Jpeg(20, 3, 5, '\xc4'));
  EXPECT_EQ(sizer.size(), std::nullopt);
}

TEST(JpegSizerTest, WhatIsNoJpegHasNoSize) {
  for (const std::string& bytes :
       {std::string(), std::string("\xff\xd8\xff\xda\0\x08", 6),
        std::string("\xff\xd8 no marker"), std::string("\xff\xd8\xff\xd9"),
        std::string("\xff\xd8\xff\xe0\0\1\xff\xc0", 8),
        Jpeg(20, 3, 5).substr(0, 32)}) {
    JpegSizer sizer;
    sizer.Update(bytes);
    sizer.Update("");
    EXPECT_EQ(sizer.size(), std::nullopt);
  }
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
