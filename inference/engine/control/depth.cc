#include <algorithm>
#include <cmath>
#include <numbers>

#include "inference/engine/control/detectors.h"

namespace sheaf::engine {
namespace {

// To [0, 1]; a flat map is 0.
Plane Stretched(const Plane& depth) {
  Plane result = depth;
  const auto [low, high] =
      std::minmax_element(depth.values.begin(), depth.values.end());
  const float from = *low;
  const float range = *high - from;
  for (float& value : result.values) {
    value = range > 0 ? (value - from) / range : 0;
  }
  return result;
}

uint8_t Shown(double part) {
  return static_cast<uint8_t>(std::clamp(part * 127.5 + 127.5, 0.0, 255.0));
}

}  // namespace

Image ShowDepth(const Plane& depth) { return FromPlane(Stretched(depth)); }

Image NormalsOfDepth(const Plane& depth, double background) {
  const Plane stretched = Stretched(depth);
  Plane scaled = stretched;
  for (float& value : scaled.values) value *= 255.0f;
  Image normals = MakeImage(depth.width, depth.height, 3);
  for (int y = 0; y < depth.height; ++y) {
    for (int x = 0; x < depth.width; ++x) {
      Gradient slope = Sobel(scaled, x, y, Border::kMirror);
      if (stretched.at(x, y) < background) slope = {0, 0};
      const double z = 2 * std::numbers::pi;
      const double length = std::sqrt(double{slope.x} * slope.x +
                                      double{slope.y} * slope.y + z * z);
      normals.at(x, y, 0) = Shown(slope.x / length);
      normals.at(x, y, 1) = Shown(slope.y / length);
      normals.at(x, y, 2) = Shown(z / length);
    }
  }
  return normals;
}

}  // namespace sheaf::engine
