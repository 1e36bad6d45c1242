// Straight lines: pixels whose gradients point the same way grow into regions,
// and long, thin, well-filled regions are lines.
#include <algorithm>
#include <cmath>
#include <numbers>

#include "inference/engine/control/detectors.h"

namespace sheaf::engine {
namespace {

constexpr double kSigma = 0.8;
constexpr float kGradientMin = 20;  // A Sobel sum over [0, 255].
constexpr double kAngleTolerance = std::numbers::pi / 8;
constexpr double kLengthMin = 0.04;  // A share of the shorter side.
constexpr double kWidthMax = 6;
constexpr double kElongationMin = 4;

double AngleBetween(double a, double b) {
  double difference = std::fabs(a - b);
  if (difference > std::numbers::pi) {
    difference = 2 * std::numbers::pi - difference;
  }
  return difference;
}

struct Angles {
  Plane size;
  Plane angle;
};

Angles MakeAngles(const Image& rgb) {
  const Plane grey = Blur(ToGrey(rgb), kSigma);
  Angles angles = {MakePlane(rgb.width, rgb.height),
                   MakePlane(rgb.width, rgb.height)};
  for (int y = 0; y < rgb.height; ++y) {
    for (int x = 0; x < rgb.width; ++x) {
      const Gradient gradient = Sobel(grey, x, y, Border::kReplicate);
      angles.size.at(x, y) = std::hypot(gradient.x, gradient.y);
      angles.angle.at(x, y) = std::atan2(gradient.y, gradient.x);
    }
  }
  return angles;
}

struct Region {
  std::vector<std::pair<int, int>> pixels;
};

// Neighbours join while they agree with the region's mean direction.
Region Grow(const Angles& angles, int x, int y, Image* used) {
  Region region;
  region.pixels.emplace_back(x, y);
  used->at(x, y, 0) = 1;
  double sum_x = std::cos(angles.angle.at(x, y));
  double sum_y = std::sin(angles.angle.at(x, y));
  for (size_t i = 0; i < region.pixels.size(); ++i) {
    const auto [px, py] = region.pixels[i];
    for (int ny = std::max(py - 1, 0);
         ny <= std::min(py + 1, angles.size.height - 1); ++ny) {
      for (int nx = std::max(px - 1, 0);
           nx <= std::min(px + 1, angles.size.width - 1); ++nx) {
        if (used->at(nx, ny, 0) != 0 || angles.size.at(nx, ny) < kGradientMin ||
            AngleBetween(angles.angle.at(nx, ny), std::atan2(sum_y, sum_x)) >
                kAngleTolerance) {
          continue;
        }
        used->at(nx, ny, 0) = 1;
        region.pixels.emplace_back(nx, ny);
        sum_x += std::cos(angles.angle.at(nx, ny));
        sum_y += std::sin(angles.angle.at(nx, ny));
      }
    }
  }
  return region;
}

// The region's main axis by its moments, weighted with the gradients.
struct Axis {
  Point from;
  Point to;
  double length = 0;
  double width = 0;
};
Axis FitAxis(const Region& region, const Angles& angles) {
  double weight = 0;
  Point center;
  for (const auto& [x, y] : region.pixels) {
    const double size = angles.size.at(x, y);
    weight += size;
    center.x += size * x;
    center.y += size * y;
  }
  center = {center.x / weight, center.y / weight};
  double xx = 0;
  double yy = 0;
  double xy = 0;
  for (const auto& [x, y] : region.pixels) {
    const double size = angles.size.at(x, y);
    xx += size * (x - center.x) * (x - center.x);
    yy += size * (y - center.y) * (y - center.y);
    xy += size * (x - center.x) * (y - center.y);
  }
  const double direction = 0.5 * std::atan2(2 * xy, xx - yy);
  const Point along = {std::cos(direction), std::sin(direction)};
  double low = 0;
  double high = 0;
  double side = 0;
  for (const auto& [x, y] : region.pixels) {
    const double on = (x - center.x) * along.x + (y - center.y) * along.y;
    const double off = (y - center.y) * along.x - (x - center.x) * along.y;
    low = std::min(low, on);
    high = std::max(high, on);
    side = std::max(side, std::fabs(off));
  }
  return {{center.x + low * along.x, center.y + low * along.y},
          {center.x + high * along.x, center.y + high * along.y},
          high - low,
          2 * side + 1};
}

bool IsLine(const Axis& axis, const Region& region, double length_min) {
  const double filled =
      static_cast<double>(region.pixels.size()) / (axis.length + 1);
  return axis.length >= length_min && axis.width <= kWidthMax &&
         axis.length >= kElongationMin * axis.width && filled >= 0.7;
}

}  // namespace

Image DetectLines(const Image& rgb) {
  const Angles angles = MakeAngles(rgb);
  Image used = MakeImage(rgb.width, rgb.height, 1);
  Image lines = MakeImage(rgb.width, rgb.height, 1);
  // The strongest gradients come first: weak ones join them instead of leading
  // them astray.
  std::vector<std::pair<int, int>> order;
  for (int y = 0; y < rgb.height; ++y) {
    for (int x = 0; x < rgb.width; ++x) {
      if (angles.size.at(x, y) >= kGradientMin) order.emplace_back(x, y);
    }
  }
  std::stable_sort(order.begin(), order.end(),
                   [&](const auto& a, const auto& b) {
                     return angles.size.at(a.first, a.second) >
                            angles.size.at(b.first, b.second);
                   });
  const double length_min =
      std::max(8.0, kLengthMin * std::min(rgb.width, rgb.height));
  for (const auto& [x, y] : order) {
    if (used.at(x, y, 0) != 0) continue;
    const Region region = Grow(angles, x, y, &used);
    if (region.pixels.size() < static_cast<size_t>(length_min)) continue;
    const Axis axis = FitAxis(region, angles);
    if (IsLine(axis, region, length_min)) {
      DrawLine(axis.from, axis.to, 255, &lines);
    }
  }
  return ToRgb(lines);
}

}  // namespace sheaf::engine
