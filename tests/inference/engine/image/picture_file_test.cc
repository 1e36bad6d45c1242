#include "inference/engine/image/picture_file.h"

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace sheaf::engine {
namespace {

using ::testing::HasSubstr;

std::string BytesOf(const std::string& name) {
  std::ifstream file(SHEAF_SOURCE_DIR "/tests/golden/images/strangers/" + name,
                     std::ios::binary);
  EXPECT_TRUE(file) << name;
  std::stringstream bytes;
  bytes << file.rdbuf();
  return bytes.str();
}

Image Scene() { return *DecodePicture(BytesOf("scene.png")); }

// The largest difference of a value; 999 where the sizes differ.
int Distance(const Image& a, const Image& b) {
  if (a.width != b.width || a.height != b.height) return 999;
  const Image left = ToRgb(a);
  const Image right = ToRgb(b);
  int most = 0;
  for (size_t i = 0; i < left.pixels.size(); ++i) {
    most = std::max(most, std::abs(left.pixels[i] - right.pixels[i]));
  }
  return most;
}

TEST(PictureFileTest, EveryFormatShowsTheScene) {
  const struct {
    const char* name;
    int distance;
  } table[] = {
      {"plain.jpg", 4},   {"progressive.jpg", 4}, {"inks.jpg", 24},
      {"lossy.webp", 60}, {"lossless.webp", 0},   {"alpha.webp", 0},
  };
  for (const auto& [name, distance] : table) {
    const auto image = DecodePicture(BytesOf(name));
    ASSERT_TRUE(image.ok()) << name << ": " << image.status();
    EXPECT_LE(Distance(*image, Scene()), distance) << name;
    const auto size = ReadPictureSize(BytesOf(name));
    ASSERT_TRUE(size.ok()) << name;
    EXPECT_EQ(size->width, 24);
    EXPECT_EQ(size->height, 16);
  }
}

TEST(PictureFileTest, AGreyPhotographHasThreeEqualChannels) {
  const Image image = *DecodePicture(BytesOf("grey.jpg"));
  ASSERT_EQ(image.channels, 3);
  for (int x = 0; x < image.width; ++x) {
    EXPECT_EQ(image.at(x, 7, 0), image.at(x, 7, 1));
    EXPECT_EQ(image.at(x, 7, 0), image.at(x, 7, 2));
  }
}

TEST(PictureFileTest, APhotographIsTurnedAsTheCameraWasHeld) {
  for (int orientation = 1; orientation <= 8; ++orientation) {
    const Image image =
        *DecodePicture(BytesOf(absl::StrCat("turned-", orientation, ".jpg")));
    EXPECT_LE(Distance(image, Scene()), 4) << orientation;
  }
}

TEST(PictureFileTest, AnAnimationIsNoPicture) {
  const auto image = DecodePicture(BytesOf("moving.webp"));
  EXPECT_EQ(image.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(image.status().message()), HasSubstr("animation"));
}

TEST(PictureFileTest, BrokenFilesAreRefusedWhereverTheyEnd) {
  for (const char* name : {"plain.jpg", "progressive.jpg", "inks.jpg",
                           "turned-6.jpg", "lossy.webp", "lossless.webp"}) {
    const std::string bytes = BytesOf(name);
    for (size_t size = 0; size + 2 < bytes.size(); ++size) {
      const auto image = DecodePicture(bytes.substr(0, size));
      EXPECT_EQ(image.status().code(), absl::StatusCode::kInvalidArgument)
          << name << " of " << size << " bytes";
    }
  }
  EXPECT_FALSE(DecodePicture("GIF89a").ok());
  EXPECT_FALSE(ReadPictureSize("GIF89a").ok());
  EXPECT_FALSE(ReadPictureSize("\xff\xd8\xff").ok());
}

TEST(PictureFileTest, PicturesOverTheLimitsAreRefused) {
  for (const char* name : {"scene.png", "plain.jpg", "lossless.webp"}) {
    EXPECT_TRUE(DecodePicture(BytesOf(name), {.pixels_max = 24 * 16}).ok());
    for (const PictureLimits limits :
         {PictureLimits{.side_max = 23}, PictureLimits{.pixels_max = 383}}) {
      EXPECT_EQ(DecodePicture(BytesOf(name), limits).status().code(),
                absl::StatusCode::kResourceExhausted)
          << name;
    }
  }
}

// A scan of a few bytes would draw all of the picture anew.
TEST(PictureFileTest, AFileOfThousandsOfScansIsRefused) {
  std::string bytes = BytesOf("progressive.jpg");
  const size_t scan = bytes.rfind("\xff\xda");
  ASSERT_NE(scan, std::string::npos);
  const std::string last = bytes.substr(scan, bytes.size() - 2 - scan);
  bytes.resize(bytes.size() - 2);
  for (int i = 0; i < 2000; ++i) bytes += last;
  bytes += "\xff\xd9";
  const auto image = DecodePicture(bytes);
  EXPECT_EQ(image.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(image.status().message()), HasSubstr("scans"));
}

}  // namespace
}  // namespace sheaf::engine
