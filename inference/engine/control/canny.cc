#include <algorithm>
#include <cstdlib>
#include <utility>
#include <vector>

#include "inference/engine/control/detectors.h"

namespace sheaf::engine {
namespace {

// The largest gradient of the channels at each pixel, with a border of zeros.
struct Field {
  int width = 0;
  int height = 0;
  std::vector<int> x;
  std::vector<int> y;
  std::vector<int> size;  // |x| + |y|, (width + 2) * (height + 2) of them.

  int size_at(int px, int py) const {
    return size[static_cast<size_t>(py + 1) * (width + 2) + px + 1];
  }
};

Field MakeField(const Image& rgb) {
  Field field;
  field.width = rgb.width;
  field.height = rgb.height;
  const size_t count = static_cast<size_t>(rgb.width) * rgb.height;
  field.x.assign(count, 0);
  field.y.assign(count, 0);
  field.size.assign(static_cast<size_t>(rgb.width + 2) * (rgb.height + 2), 0);
  for (int channel = 0; channel < 3; ++channel) {
    const Plane plane = ChannelOf(rgb, channel);
    for (int y = 0; y < rgb.height; ++y) {
      for (int x = 0; x < rgb.width; ++x) {
        const Gradient gradient = Sobel(plane, x, y, Border::kReplicate);
        const int gx = static_cast<int>(gradient.x);
        const int gy = static_cast<int>(gradient.y);
        int& size =
            field.size[static_cast<size_t>(y + 1) * (rgb.width + 2) + x + 1];
        if (std::abs(gx) + std::abs(gy) <= size && channel > 0) continue;
        size = std::abs(gx) + std::abs(gy);
        field.x[static_cast<size_t>(y) * rgb.width + x] = gx;
        field.y[static_cast<size_t>(y) * rgb.width + x] = gy;
      }
    }
  }
  return field;
}

// Whether the gradient is largest across the edge. The sector's bounds are
// tan(22.5 degrees) in 15 bits, so that the answer is the same everywhere.
bool IsRidge(const Field& field, int x, int y) {
  constexpr int kTangent = 13573;
  const size_t at = static_cast<size_t>(y) * field.width + x;
  const int64_t gx = std::abs(field.x[at]);
  const int64_t gy = int64_t{std::abs(field.y[at])} << 15;
  const int size = field.size_at(x, y);
  const int64_t low = gx * kTangent;
  if (gy < low) {
    return size > field.size_at(x - 1, y) && size >= field.size_at(x + 1, y);
  }
  if (gy > low + (gx << 16)) {
    return size > field.size_at(x, y - 1) && size >= field.size_at(x, y + 1);
  }
  const int side = (field.x[at] ^ field.y[at]) < 0 ? -1 : 1;
  return size > field.size_at(x - side, y - 1) &&
         size > field.size_at(x + side, y + 1);
}

}  // namespace

Image DetectCanny(const Image& rgb, int low, int high) {
  const Field field = MakeField(rgb);
  Image edges = MakeImage(rgb.width, rgb.height, 1);
  constexpr uint8_t kMaybe = 1;
  constexpr uint8_t kEdge = 255;
  std::vector<std::pair<int, int>> open;
  for (int y = 0; y < rgb.height; ++y) {
    for (int x = 0; x < rgb.width; ++x) {
      if (field.size_at(x, y) <= low || !IsRidge(field, x, y)) continue;
      const bool sure = field.size_at(x, y) > high;
      edges.at(x, y, 0) = sure ? kEdge : kMaybe;
      if (sure) open.emplace_back(x, y);
    }
  }
  // Spreads from the sure edges to every possible edge that touches one.
  while (!open.empty()) {
    const auto [x, y] = open.back();
    open.pop_back();
    for (int ny = std::max(y - 1, 0); ny <= std::min(y + 1, rgb.height - 1);
         ++ny) {
      for (int nx = std::max(x - 1, 0); nx <= std::min(x + 1, rgb.width - 1);
           ++nx) {
        if (edges.at(nx, ny, 0) != kMaybe) continue;
        edges.at(nx, ny, 0) = kEdge;
        open.emplace_back(nx, ny);
      }
    }
  }
  for (uint8_t& pixel : edges.pixels) pixel = pixel == kEdge ? kEdge : 0;
  return ToRgb(edges);
}

}  // namespace sheaf::engine
