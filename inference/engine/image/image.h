// Pictures in memory.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

namespace sheaf::engine {

// Eight bits per channel, rows from the top, no padding. channels is 1 (grey),
// 3 (RGB) or 4 (RGBA).
struct Image {
  int width = 0;
  int height = 0;
  int channels = 3;
  std::vector<uint8_t> pixels;

  uint8_t& at(int x, int y, int channel) {
    return pixels[(static_cast<size_t>(y) * width + x) * channels + channel];
  }
  uint8_t at(int x, int y, int channel) const {
    return pixels[(static_cast<size_t>(y) * width + x) * channels + channel];
  }
};

// The size that a file says its picture has.
struct PictureSize {
  int64_t width = 0;
  int64_t height = 0;
  int64_t pixels() const { return width * height; }
};

// The most that a file from a stranger may hold.
struct PictureLimits {
  int side_max = 16384;
  int64_t pixels_max = int64_t{64} << 20;

  bool Allow(const PictureSize& size) const {
    return std::max(size.width, size.height) <= side_max &&
           size.pixels() <= pixels_max;
  }
};

// One float per pixel: depths, brightness, intermediate results.
struct Plane {
  int width = 0;
  int height = 0;
  std::vector<float> values;

  float& at(int x, int y) { return values[static_cast<size_t>(y) * width + x]; }
  float at(int x, int y) const {
    return values[static_cast<size_t>(y) * width + x];
  }
  // The value at the nearest pixel inside.
  float clamped(int x, int y) const;
};

Image MakeImage(int width, int height, int channels, uint8_t value = 0);
Plane MakePlane(int width, int height, float value = 0);

// Three channels, from one or four (alpha is dropped).
Image ToRgb(const Image& image);
// 0.299 R + 0.587 G + 0.114 B, in [0, 255].
Plane ToGrey(const Image& image);
// One channel as floats in [0, 255].
Plane ChannelOf(const Image& image, int channel);
// A plane of [0, 1] as three equal channels, rounded, clamped.
Image FromPlane(const Plane& plane);

// SHA-256 of "WIDTHxHEIGHT:" and the RGB pixels, in hex: the same picture has
// the same hash, whatever file it lies in.
std::string PixelHash(const Image& image);

}  // namespace sheaf::engine
