#include "inference/engine/control/preprocess.h"

#include <cmath>
#include <cstdlib>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "inference/engine/control/detectors.h"

namespace sheaf::engine {
namespace {

// A white square on black.
Image Square(int size, int from, int to) {
  Image image = MakeImage(size, size, 3);
  for (int y = from; y < to; ++y) {
    for (int x = from; x < to; ++x) {
      for (int c = 0; c < 3; ++c) image.at(x, y, c) = 255;
    }
  }
  return image;
}

int CountOf(const Image& image, uint8_t value) {
  int count = 0;
  for (int y = 0; y < image.height; ++y) {
    for (int x = 0; x < image.width; ++x) count += image.at(x, y, 0) == value;
  }
  return count;
}

TEST(PreprocessTest, NamesAndTheOriginalsNamesAreKnown) {
  for (const Preprocessor preprocessor : AllPreprocessors()) {
    EXPECT_EQ(PreprocessorNamed(NameOf(preprocessor)), preprocessor);
  }
  EXPECT_EQ(PreprocessorNamed("edge"), Preprocessor::kCanny);
  EXPECT_EQ(PreprocessorNamed("seg"), Preprocessor::kSegmentation);
  EXPECT_EQ(PreprocessorNamed("vis"), Preprocessor::kBlur);
  EXPECT_EQ(PreprocessorNamed("hed"), std::nullopt);
}

TEST(PreprocessTest, EveryDetectorTakesAnySizeAndKeepsIt) {
  for (const Preprocessor preprocessor : AllPreprocessors()) {
    for (const auto& [width, height] :
         {std::pair(1, 1), {1, 7}, {5, 3}, {40, 33}}) {
      for (const int resolution : {0, 64}) {
        PreprocessInput input;
        input.image = MakeImage(width, height, 3, 90);
        input.keypoints = R"({"people": []})";
        PreprocessOptions options;
        options.detect_resolution = resolution;
        const auto map = Preprocess(preprocessor, input, options);
        ASSERT_TRUE(map.ok()) << NameOf(preprocessor) << map.status();
        EXPECT_EQ(map->width, width);
        EXPECT_EQ(map->height, height);
        EXPECT_EQ(map->channels, 3);
      }
    }
  }
}

TEST(PreprocessTest, WhatHasNoMeaningIsRefused) {
  PreprocessInput input;
  EXPECT_FALSE(Preprocess(Preprocessor::kCanny, input, {}).ok());
  input.image = MakeImage(4, 4, 3);
  EXPECT_FALSE(
      Preprocess(Preprocessor::kCanny, input, {.low = 5, .high = 4}).ok());
  EXPECT_FALSE(Preprocess(Preprocessor::kBlur, input, {.blur_sigma = 0}).ok());
  EXPECT_FALSE(
      Preprocess(Preprocessor::kBlur, input, {.detect_resolution = 9}).ok());
  EXPECT_FALSE(Preprocess(Preprocessor::kPose, input, {}).ok());
  input.deep = MakePlane(3, 3);
  EXPECT_FALSE(Preprocess(Preprocessor::kDepth, input, {}).ok());
}

TEST(CannyTest, ASquareHasAThinClosedOutline) {
  const Image edges = DetectCanny(Square(32, 8, 24), 100, 200);
  const int white = CountOf(edges, 255);
  EXPECT_EQ(white + CountOf(edges, 0), 32 * 32);
  // Four sides of 16, one pixel wide.
  EXPECT_GE(white, 56);
  EXPECT_LE(white, 72);
  EXPECT_EQ(edges.at(16, 16, 0), 0);
  EXPECT_EQ(edges.at(2, 2, 0), 0);
}

TEST(CannyTest, AWeakEdgeCountsWhereItTouchesAStrongOne) {
  // A step in brightness that shrinks along the edge, from 255 to 30.
  Image image = MakeImage(64, 32, 3);
  for (int x = 0; x < 64; ++x) {
    for (int y = 16; y < 32; ++y) {
      for (int c = 0; c < 3; ++c) {
        image.at(x, y, c) = static_cast<uint8_t>(255 - x * 3.5);
      }
    }
  }
  const int loose = CountOf(DetectCanny(image, 100, 800), 255);
  const int strict = CountOf(DetectCanny(image, 800, 800), 255);
  EXPECT_GT(loose, strict);
  EXPECT_GT(strict, 0);
  EXPECT_EQ(CountOf(DetectCanny(image, 100, 2000), 255), 0);
}

TEST(MlsdTest, StraightLinesAreFoundAndCurvesAreNot) {
  Image image = MakeImage(96, 96, 3, 20);
  Image grey = MakeImage(96, 96, 1, 20);
  DrawLine({10, 10}, {85, 40}, 250, &grey);
  const Image line = DetectLines(ToRgb(grey));
  EXPECT_GT(CountOf(line, 255), 60);
  EXPECT_LT(CountOf(line, 255), 320);
  EXPECT_EQ(CountOf(DetectLines(image), 255), 0);
  // Noise has no long lines.
  unsigned state = 1;
  for (uint8_t& pixel : image.pixels) {
    state = state * 1664525 + 1013904223;
    pixel = static_cast<uint8_t>(state >> 24);
  }
  EXPECT_LT(CountOf(DetectLines(image), 255), 96);
}

TEST(ScribbleTest, DarkStrokesBecomeWhite) {
  Image image = MakeImage(48, 48, 3, 240);
  for (int x = 8; x < 40; ++x) {
    for (int c = 0; c < 3; ++c) image.at(x, 24, c) = 10;
  }
  const Image scribble = DetectScribble(image, 32);
  EXPECT_EQ(scribble.at(24, 24, 0), 255);
  EXPECT_EQ(scribble.at(24, 5, 0), 0);
  PreprocessInput drawing;
  drawing.image = image;
  const auto inverted =
      Preprocess(Preprocessor::kScribble, drawing, {.invert = true});
  EXPECT_EQ(CountOf(*inverted, 255), 32);
}

TEST(LineartTest, ATypicalLineIsHalfWhite) {
  Image image = MakeImage(64, 64, 3, 255);
  for (int y = 0; y < 64; ++y) {
    for (int c = 0; c < 3; ++c) image.at(32, y, c) = 0;
  }
  const Image lines = DetectLineart(image);
  EXPECT_NEAR(lines.at(32, 32, 0), 127, 2);
  EXPECT_EQ(lines.at(5, 32, 0), 0);
}

TEST(DepthTest, AMapIsStretchedAndMayBeTurned) {
  PreprocessInput input;
  input.image = MakeImage(3, 1, 1);
  input.deep = MakePlane(3, 1);
  input.deep.values = {1000, 2000, 3000};
  const auto near_is_white = Preprocess(Preprocessor::kDepth, input, {});
  EXPECT_EQ(near_is_white->at(0, 0, 0), 0);
  EXPECT_EQ(near_is_white->at(1, 0, 0), 128);
  EXPECT_EQ(near_is_white->at(2, 0, 2), 255);
  const auto far_is_white =
      Preprocess(Preprocessor::kDepth, input, {.invert = true});
  EXPECT_EQ(far_is_white->at(0, 0, 0), 255);
}

TEST(NormalTest, AFlatMapFacesTheViewerAndASlopeLeans) {
  const Image flat = NormalsOfDepth(MakePlane(8, 8, 5), 0.1);
  EXPECT_EQ(flat.at(4, 4, 0), 127);
  EXPECT_EQ(flat.at(4, 4, 2), 255);
  Plane slope = MakePlane(32, 8);
  for (int y = 0; y < 8; ++y) {
    for (int x = 0; x < 32; ++x) slope.at(x, y) = static_cast<float>(x);
  }
  const Image leaning = NormalsOfDepth(slope, 0.1);
  // 255 / 31 per pixel, eight times that in Sobel's sum, against 2 pi.
  const double lean = 8 * 255.0 / 31;
  const double length = std::hypot(lean, 2 * std::acos(-1.0));
  EXPECT_NEAR(leaning.at(16, 4, 0), lean / length * 127.5 + 127.5, 1);
  EXPECT_EQ(leaning.at(16, 4, 1), 127);
  EXPECT_EQ(leaning.at(1, 4, 0), 127);  // Background.
}

TEST(PoseTest, PeopleAreDrawnInTheirColours) {
  std::string points;
  for (int i = 0; i < 18; ++i) {
    // The neck and the right shoulder are seen.
    points += i == 1 ? "20,20,1," : i == 2 ? "50,20,1," : "0,0,0,";
  }
  points.pop_back();
  const std::string json =
      R"({"people": [{"pose_keypoints_2d": [)" + points + "]}]}";
  const auto drawn = DrawPoses(json, 64, 40);
  ASSERT_TRUE(drawn.ok()) << drawn.status();
  // The limb is darker than its two points.
  EXPECT_EQ(drawn->at(35, 20, 0), 153);
  EXPECT_EQ(drawn->at(35, 20, 1), 0);
  EXPECT_EQ(drawn->at(20, 20, 0), 255);
  EXPECT_EQ(drawn->at(20, 20, 1), 85);
  EXPECT_EQ(drawn->at(50, 20, 1), 170);
  EXPECT_EQ(drawn->at(5, 35, 0), 0);
  const std::string scaled =
      R"({"canvas_width": 128, "canvas_height": 80, "people":
          [{"pose_keypoints_2d": [)" +
      points + "]}]}";
  EXPECT_EQ(DrawPoses(scaled, 64, 40)->at(10, 10, 1), 85);
}

TEST(PoseTest, OtherJsonIsRefused) {
  for (const char* json :
       {"", "{}", "[]", R"({"people": 1})", R"({"people": [{}]})",
        R"({"people": [{"pose_keypoints_2d": [1, 2]}]})"}) {
    EXPECT_FALSE(DrawPoses(json, 8, 8).ok()) << json;
  }
}

TEST(SegmentsTest, NumbersAndNearColoursBecomeThePalette) {
  Image classes = MakeImage(2, 1, 1);
  classes.pixels = {0, 149};
  const auto map = ShowSegments(classes);
  EXPECT_THAT(map->pixels, testing::ElementsAre(120, 120, 120, 92, 0, 255));
  Image colors = MakeImage(1, 1, 3);
  colors.pixels = {181, 121, 119};
  EXPECT_THAT(ShowSegments(colors)->pixels,
              testing::ElementsAre(180, 120, 120));
  classes.pixels = {0, 150};
  EXPECT_FALSE(ShowSegments(classes).ok());
}

TEST(FiltersTest, BlurAndResizeKeepAFlatPictureFlat) {
  const Image flat = MakeImage(13, 7, 3, 77);
  EXPECT_EQ(Blur(flat, 3).pixels, flat.pixels);
  for (const ResizeFilter filter :
       {ResizeFilter::kBilinear, ResizeFilter::kArea, ResizeFilter::kLanczos}) {
    for (const int size : {1, 5, 40}) {
      const Image resized = Resize(flat, size, size + 1, filter);
      for (const uint8_t pixel : resized.pixels) ASSERT_EQ(pixel, 77);
    }
  }
}

TEST(FiltersTest, AreaIsTheMeanAndBilinearGoesBetween) {
  Image image = MakeImage(4, 1, 1);
  image.pixels = {0, 100, 200, 100};
  EXPECT_THAT(Resize(image, 2, 1, ResizeFilter::kArea).pixels,
              testing::ElementsAre(50, 150));
  image.pixels = {0, 100, 100, 100};
  const Image wide = Resize(image, 8, 1, ResizeFilter::kBilinear);
  EXPECT_EQ(wide.pixels[0], 0);
  EXPECT_EQ(wide.pixels[1], 25);
  EXPECT_EQ(wide.pixels[2], 75);
}

TEST(FiltersTest, DetectorsLookAtMultiplesOf64) {
  EXPECT_EQ(DetectSize(512, 768, 512).width, 512);
  EXPECT_EQ(DetectSize(512, 768, 512).height, 768);
  EXPECT_EQ(DetectSize(1000, 500, 256).width, 512);
  EXPECT_EQ(DetectSize(100, 7, 64).height, 64);
}

}  // namespace
}  // namespace sheaf::engine
