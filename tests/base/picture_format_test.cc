#include "base/picture_format.h"

#include <gtest/gtest.h>

namespace sheaf {
namespace {

using namespace std::string_view_literals;

TEST(PictureFormatTest, TheFirstBytesTellTheFormat) {
  EXPECT_EQ(PictureFormatOf("\x89PNG\r\n\x1a\n....IHDR"), PictureFormat::kPng);
  EXPECT_EQ(PictureFormatOf("\xff\xd8\xff\xe0 JFIF"), PictureFormat::kJpeg);
  EXPECT_EQ(PictureFormatOf("RIFF\x01\x00\x00\x00WEBPVP8 "sv),
            PictureFormat::kWebp);
}

TEST(PictureFormatTest, OtherBytesAndBeginningsTellNothing) {
  for (const std::string_view head :
       {""sv, "\x89"sv, "\x89PNG"sv, "\x89PNG\n\x1a\n...."sv, "\xff\xd8"sv,
        "RIFF"sv, "RIFF\x01\x00\x00\x00WEB"sv, "RIFF\x01\x00\x00\x00WAVEfmt "sv,
        "GIF89a......"sv, "<svg/>......"sv}) {
    EXPECT_EQ(PictureFormatOf(head), std::nullopt) << head;
  }
}

TEST(PictureFormatTest, SoManyBytesAreEnough) {
  const std::string_view webp = "RIFF\x01\x00\x00\x00WEBP"sv;
  EXPECT_EQ(webp.size(), kPictureFormatBytes);
  EXPECT_EQ(PictureFormatOf(webp), PictureFormat::kWebp);
}

}  // namespace
}  // namespace sheaf
