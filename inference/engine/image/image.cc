#include "inference/engine/image/image.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "base/sha256.h"

namespace sheaf::engine {

float Plane::clamped(int x, int y) const {
  return at(std::clamp(x, 0, width - 1), std::clamp(y, 0, height - 1));
}

Image MakeImage(int width, int height, int channels, uint8_t value) {
  Image image;
  image.width = width;
  image.height = height;
  image.channels = channels;
  image.pixels.assign(static_cast<size_t>(width) * height * channels, value);
  return image;
}

Plane MakePlane(int width, int height, float value) {
  Plane plane;
  plane.width = width;
  plane.height = height;
  plane.values.assign(static_cast<size_t>(width) * height, value);
  return plane;
}

Image ToRgb(const Image& image) {
  if (image.channels == 3) return image;
  Image rgb = MakeImage(image.width, image.height, 3);
  const size_t count = static_cast<size_t>(image.width) * image.height;
  for (size_t i = 0; i < count; ++i) {
    for (int c = 0; c < 3; ++c) {
      rgb.pixels[i * 3 + c] =
          image.pixels[i * image.channels + (image.channels == 1 ? 0 : c)];
    }
  }
  return rgb;
}

Plane ToGrey(const Image& image) {
  if (image.channels == 1) return ChannelOf(image, 0);
  Plane grey = MakePlane(image.width, image.height);
  for (size_t i = 0; i < grey.values.size(); ++i) {
    const uint8_t* pixel = &image.pixels[i * image.channels];
    grey.values[i] = 0.299f * static_cast<float>(pixel[0]) +
                     0.587f * static_cast<float>(pixel[1]) +
                     0.114f * static_cast<float>(pixel[2]);
  }
  return grey;
}

Plane ChannelOf(const Image& image, int channel) {
  Plane plane = MakePlane(image.width, image.height);
  for (size_t i = 0; i < plane.values.size(); ++i) {
    plane.values[i] = image.pixels[i * image.channels + channel];
  }
  return plane;
}

Image FromPlane(const Plane& plane) {
  Image image = MakeImage(plane.width, plane.height, 3);
  for (size_t i = 0; i < plane.values.size(); ++i) {
    const float value = std::clamp(plane.values[i], 0.0f, 1.0f) * 255.0f;
    const auto byte = static_cast<uint8_t>(std::nearbyint(value));
    for (int c = 0; c < 3; ++c) image.pixels[i * 3 + c] = byte;
  }
  return image;
}

std::string PixelHash(const Image& image) {
  const Image rgb = ToRgb(image);
  Sha256 hash;
  hash.Update(absl::StrCat(rgb.width, "x", rgb.height, ":"));
  hash.Update(std::string_view(reinterpret_cast<const char*>(rgb.pixels.data()),
                               rgb.pixels.size()));
  return hash.FinishHex();
}

}  // namespace sheaf::engine
