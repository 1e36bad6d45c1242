// Contact sheets: the places of pictures and letters.
#include "inference/engine/image/sheet.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "inference/engine/image/font.h"
#include "inference/engine/image/metadata.h"

namespace sheaf::engine {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

// The number of pixels of the sheet that have this brightness in all channels.
int CountOf(const Image& sheet, uint8_t value) {
  int count = 0;
  for (int y = 0; y < sheet.height; ++y) {
    for (int x = 0; x < sheet.width; ++x) {
      count += sheet.at(x, y, 0) == value && sheet.at(x, y, 1) == value &&
               sheet.at(x, y, 2) == value;
    }
  }
  return count;
}

SheetPicture Flat(int width, int height, uint8_t value,
                  const std::string& caption = "") {
  return {MakeImage(width, height, 3, value), caption};
}

TEST(FontTest, EveryCharacterLooksLikeItself) {
  std::set<std::array<uint8_t, kGlyphHeight>> seen;
  for (char c = ' '; c <= '~'; ++c) {
    const auto rows = GlyphRows(c);
    for (const uint8_t row : rows) EXPECT_LT(row, 1 << kGlyphWidth) << c;
    EXPECT_TRUE(seen.insert(rows).second) << c;
  }
  EXPECT_EQ(GlyphRows('\x07'), GlyphRows('?'));
  EXPECT_EQ(GlyphRows('\xE9'), GlyphRows('?'));
}

TEST(FontTest, AnLIsAStrokeDownAndOneAcross) {
  EXPECT_THAT(GlyphRows('L'), ElementsAre(16, 16, 16, 16, 16, 16, 31, 0));
}

TEST(WrapTest, LinesBreakAtSpacesAndWithinLongWords) {
  EXPECT_THAT(WrapCaption("a red circle", 7), ElementsAre("a red", "circle"));
  EXPECT_THAT(WrapCaption("a red circle", 12), ElementsAre("a red circle"));
  EXPECT_THAT(WrapCaption("one\ntwo", 20), ElementsAre("one", "two"));
  EXPECT_THAT(WrapCaption("unbreakable it is", 5),
              ElementsAre("unbre", "akabl", "e it", "is"));
  EXPECT_THAT(WrapCaption("", 5), IsEmpty());
}

TEST(WrapTest, WhatIsNoAsciiIsOneQuestionMarkEach) {
  EXPECT_THAT(WrapCaption("caf\xC3\xA9 \xF0\x9F\x8C\xBE", 20),
              ElementsAre("caf? ?"));
}

TEST(WrapTest, ALongCaptionEndsInDots) {
  const auto lines = WrapCaption(std::string(1000, 'x'), 10);
  ASSERT_EQ(lines.size(), size_t{kCaptionLinesMax});
  EXPECT_EQ(lines.back(), "xxxxxxx...");
}

TEST(SheetTest, EachPixelBecomesASquareOfTheScale) {
  const auto sheet = DrawSheet({Flat(5, 4, 1), Flat(5, 4, 2), Flat(5, 4, 3)},
                               {.columns = 2, .scale = 3});
  ASSERT_TRUE(sheet.ok()) << sheet.status();
  for (const uint8_t value : {1, 2, 3}) {
    EXPECT_EQ(CountOf(*sheet, value), 5 * 4 * 9) << int{value};
  }
  // The third picture begins a new row, under the first.
  EXPECT_EQ(sheet->at(8, 8, 0), 1);
  EXPECT_EQ(sheet->at(8 + 15 + 8, 8, 0), 2);
  int rows_of_third = 0;
  for (int y = 0; y < sheet->height; ++y) {
    rows_of_third += sheet->at(8, y, 0) == 3;
  }
  EXPECT_EQ(rows_of_third, 12);
}

TEST(SheetTest, SmallPicturesGrowUntilACaptionFits) {
  const auto small = DrawSheet({Flat(64, 64, 1)}, {});
  const auto large = DrawSheet({Flat(512, 512, 1)}, {});
  ASSERT_TRUE(small.ok() && large.ok());
  EXPECT_EQ(CountOf(*small, 1), 128 * 128);
  EXPECT_EQ(CountOf(*large, 1), 512 * 512);
}

TEST(SheetTest, ACaptionIsTypedUnderItsPicture) {
  const auto bare = DrawSheet({Flat(64, 64, 1)}, {.scale = 1});
  const auto typed = DrawSheet({Flat(64, 64, 1, "LL")}, {.scale = 1});
  ASSERT_TRUE(bare.ok() && typed.ok());
  constexpr uint8_t kInk = 40;
  EXPECT_EQ(CountOf(*bare, kInk), 0);
  EXPECT_EQ(CountOf(*typed, kInk), 2 * 11);  // An L has eleven pixels.
  for (int y = 0; y < 8 + 64; ++y) {
    for (int x = 0; x < typed->width; ++x) {
      ASSERT_NE(typed->at(x, y, 0), kInk) << x << "," << y;
    }
  }
}

TEST(SheetTest, GreyAndTransparentPicturesAreWelcome) {
  const auto sheet = DrawSheet(
      {{MakeImage(4, 4, 1, 9), ""}, {MakeImage(4, 4, 4, 7), ""}}, {.scale = 1});
  ASSERT_TRUE(sheet.ok()) << sheet.status();
  EXPECT_EQ(CountOf(*sheet, 9), 16);
  EXPECT_EQ(CountOf(*sheet, 7), 16);
}

TEST(SheetTest, NothingAndTooMuchAreRefused) {
  EXPECT_EQ(DrawSheet({}, {}).status().code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(DrawSheet({{Image(), ""}}, {}).status().code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(DrawSheet({Flat(512, 512, 1)}, {.scale = 64}).status().code(),
            absl::StatusCode::kResourceExhausted);
}

TEST(CaptionTest, AFileSaysWhatMadeIt) {
  const Generation made = {.prompt = "a red circle",
                           .steps = 12,
                           .sampler = "DPM++ 2M",
                           .guidance = 3.5,
                           .seed = 7,
                           .width = 64,
                           .height = 64,
                           .more = {{"Controls", "edge 0.5; seg 1"}}};
  EXPECT_EQ(CaptionOf(TextsOf(made)),
            "a red circle\n12 steps, DPM++ 2M, guidance 3.5, seed 7, "
            "edge 0.5; seg 1");
  EXPECT_EQ(CaptionOf({{"Comment", "a cat"}}), "");
}

}  // namespace
}  // namespace sheaf::engine
