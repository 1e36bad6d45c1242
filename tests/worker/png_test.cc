#include "inference/worker/png.h"

#include <gtest/gtest.h>

#include "tests/worker/png_reader.h"

namespace sheaf::worker {
namespace {

Picture MakePicture(int width, int height) {
  Picture picture{width, height, {}};
  for (int i = 0; i < width * height * 3; ++i) {
    picture.rgb.push_back(static_cast<std::uint8_t>(i * 7));
  }
  return picture;
}

TEST(PngTest, PictureComesBackAsItWas) {
  for (const auto& [width, height] : {std::pair(1, 1), {64, 64}, {33, 7}}) {
    const Picture picture = MakePicture(width, height);
    const auto bytes = EncodePng(picture, {});
    ASSERT_TRUE(bytes.ok()) << bytes.status();
    const DecodedPng decoded = DecodePng(*bytes);
    ASSERT_TRUE(decoded.ok);
    EXPECT_EQ(decoded.picture.width, width);
    EXPECT_EQ(decoded.picture.height, height);
    EXPECT_EQ(decoded.picture.rgb, picture.rgb);
  }
}

TEST(PngTest, TextsComeBackInAnyScript) {
  const std::string long_text(60000, 'x');
  const auto bytes =
      EncodePng(MakePicture(2, 2), {{"prompt", "a red fox"},
                                    {"more", "ein Fuchs im Grünen 狐"},
                                    {"long", long_text},
                                    {"empty", ""}});
  ASSERT_TRUE(bytes.ok()) << bytes.status();
  const DecodedPng decoded = DecodePng(*bytes);
  ASSERT_TRUE(decoded.ok);
  EXPECT_EQ(decoded.texts.at("prompt"), "a red fox");
  EXPECT_EQ(decoded.texts.at("more"), "ein Fuchs im Grünen 狐");
  EXPECT_EQ(decoded.texts.at("long"), long_text);
  EXPECT_NE(bytes->find("tEXtprompt"), std::string::npos);
  EXPECT_NE(bytes->find("iTXtmore"), std::string::npos);
}

TEST(PngTest, SameArgumentsGiveTheSameBytes) {
  EXPECT_EQ(*EncodePng(MakePicture(5, 5), {{"a", "b"}}),
            *EncodePng(MakePicture(5, 5), {{"a", "b"}}));
}

TEST(PngTest, SizeThatContradictsItsBytesIsRefused) {
  Picture picture = MakePicture(4, 4);
  picture.rgb.pop_back();
  EXPECT_EQ(EncodePng(picture, {}).status().code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(EncodePng(Picture(), {}).status().code(),
            absl::StatusCode::kInvalidArgument);
}

TEST(PngTest, WhatLibpngRefusesIsAnErrorAndNoCrash) {
  // Wider than libpng's default limit of a million.
  const auto bytes = EncodePng(MakePicture(1'000'001, 1), {});
  EXPECT_EQ(bytes.status().code(), absl::StatusCode::kInternal);
}

}  // namespace
}  // namespace sheaf::worker
