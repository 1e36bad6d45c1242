#include "inference/engine/image/png.h"

#include <random>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace sheaf::engine {
namespace {

using testing::HasSubstr;

Image Pattern(int width, int height, int channels) {
  Image image = MakeImage(width, height, channels);
  for (size_t i = 0; i < image.pixels.size(); ++i) {
    image.pixels[i] = static_cast<uint8_t>(i * 37 + i / 7);
  }
  return image;
}

TEST(PngTest, WhatIsWrittenIsReadAgain) {
  for (const int channels : {1, 3, 4}) {
    const Image image = Pattern(17, 9, channels);
    const PngTexts texts = {{"parameters", "a caf\xC3\xA9\nSteps: 1"},
                            {"prompt", "\xE7\x8C\xAB"},
                            {"empty", ""}};
    const auto bytes = EncodePng(image, texts);
    ASSERT_TRUE(bytes.ok()) << bytes.status();
    const auto file = DecodePng(*bytes);
    ASSERT_TRUE(file.ok()) << file.status();
    EXPECT_EQ(file->image.width, 17);
    EXPECT_EQ(file->image.channels, channels);
    EXPECT_EQ(file->image.pixels, image.pixels);
    EXPECT_EQ(file->texts, texts);
    // Latin-1 if that will do, UTF-8 otherwise: Python's readers expect this.
    EXPECT_THAT(*bytes,
                HasSubstr(std::string("tEXtparameters\0a caf\xE9", 21)));
    EXPECT_THAT(*bytes, HasSubstr("iTXtprompt"));
  }
}

TEST(PngTest, TheSizeIsKnownFromTheFirstBytes) {
  const std::string bytes = *EncodePng(Pattern(17, 9, 3), {});
  const auto size = ReadPngSize(std::string_view(bytes).substr(0, 24));
  ASSERT_TRUE(size.ok()) << size.status();
  EXPECT_EQ(size->width, 17);
  EXPECT_EQ(size->height, 9);
  EXPECT_FALSE(ReadPngSize(std::string_view(bytes).substr(0, 23)).ok());
  EXPECT_FALSE(ReadPngSize("").ok());
  EXPECT_FALSE(ReadPngSize(std::string(64, 'x')).ok());
}

TEST(PngTest, TextsAreLeftUnreadOnRequest) {
  const Image image = Pattern(8, 8, 3);
  const std::string bytes = *EncodePng(
      image, {{"a", std::string(1 << 20, 'x')}, {"b", "\xE7\x8C\xAB"}});
  const auto file = DecodePng(bytes, {.texts = false});
  ASSERT_TRUE(file.ok()) << file.status();
  EXPECT_TRUE(file->texts.empty());
  EXPECT_EQ(file->image.pixels, image.pixels);
}

TEST(PngTest, TheSamePictureGivesTheSameBytes) {
  EXPECT_EQ(*EncodePng(Pattern(8, 8, 3), {}), *EncodePng(Pattern(8, 8, 3), {}));
}

TEST(PngTest, WhatCannotBeWrittenIsRefused) {
  Image image = Pattern(4, 4, 3);
  EXPECT_FALSE(EncodePng(image, {{"", "x"}}).ok());
  EXPECT_FALSE(EncodePng(image, {{std::string(80, 'k'), "x"}}).ok());
  EXPECT_FALSE(EncodePng(image, {{"k\n", "x"}}).ok());
  EXPECT_FALSE(EncodePng(image, {{"k", "\xFF"}}).ok());
  image.pixels.pop_back();
  EXPECT_FALSE(EncodePng(image, {}).ok());
  EXPECT_FALSE(EncodePng(Image(), {}).ok());
}

TEST(PngTest, APictureBeyondTheLimitsIsRefusedBeforeItsPixels) {
  const std::string bytes = *EncodePng(Pattern(40, 10, 3), {});
  EXPECT_TRUE(DecodePng(bytes, {.picture = {.side_max = 40}}).ok());
  EXPECT_EQ(DecodePng(bytes, {.picture = {.side_max = 39}}).status().code(),
            absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(DecodePng(bytes, {.picture = {.pixels_max = 399}}).status().code(),
            absl::StatusCode::kResourceExhausted);
}

TEST(PngTest, AChunkThatSaysItIsHugeIsRefusedBeforeThereIsRoomForIt) {
  const std::string good = EncodePng(Pattern(2, 2, 3), {}).value();
  // The chunk behind the header, which is 8 + 25 bytes long.
  std::string bad = good;
  bad[33] = '\x6f';
  const auto refused = DecodePng(bad);
  EXPECT_EQ(refused.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(refused.status().message()),
              testing::HasSubstr("beyond the end of the file"));
}

TEST(PngTest, BrokenFilesAreRefused) {
  EXPECT_FALSE(DecodePng("").ok());
  EXPECT_FALSE(DecodePng("GIF89a and so on").ok());
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE(seed);
  std::mt19937 random(seed);
  const std::string good = *EncodePng(Pattern(20, 20, 3), {{"k", "text"}});
  for (int i = 0; i < 3000; ++i) {
    std::string bytes = good;
    for (unsigned n = 1 + random() % 3; n > 0; --n) {
      bytes[random() % bytes.size()] = static_cast<char>(random());
    }
    bytes.resize(bytes.size() - random() % 2 * (random() % bytes.size()));
    const auto file = DecodePng(bytes);
    if (!file.ok()) continue;
    ASSERT_EQ(file->image.pixels.size(),
              static_cast<size_t>(file->image.width) * file->image.height *
                  file->image.channels);
  }
}

TEST(PixelHashTest, IsOfThePictureAndNotOfItsFile) {
  const Image image = Pattern(6, 4, 3);
  Image alpha = MakeImage(6, 4, 4, 255);
  for (size_t i = 0; i < 24; ++i) {
    for (int c = 0; c < 3; ++c) {
      alpha.pixels[i * 4 + c] = image.pixels[i * 3 + c];
    }
  }
  EXPECT_EQ(PixelHash(image), PixelHash(alpha));
  EXPECT_NE(PixelHash(image), PixelHash(Pattern(4, 6, 3)));
  EXPECT_EQ(PixelHash(image).size(), 64u);
}

}  // namespace
}  // namespace sheaf::engine
