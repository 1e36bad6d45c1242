#include "inference/engine/control/filters.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace sheaf::engine {
namespace {

double Sinc(double x) {
  if (x == 0) return 1;
  const double angle = std::numbers::pi * x;
  return std::sin(angle) / angle;
}

double Support(ResizeFilter filter) {
  switch (filter) {
    case ResizeFilter::kBilinear:
      return 1;
    case ResizeFilter::kArea:
      return 0.5;
    case ResizeFilter::kLanczos:
      return 3;
  }
  return 1;
}

double FilterValue(ResizeFilter filter, double x) {
  x = std::fabs(x);
  switch (filter) {
    case ResizeFilter::kBilinear:
      return std::max(0.0, 1 - x);
    case ResizeFilter::kArea:
      return x <= 0.5 ? 1 : 0;
    case ResizeFilter::kLanczos:
      return x < 3 ? Sinc(x) * Sinc(x / 3) : 0;
  }
  return 0;
}

// For one target pixel: the first source pixel and the weights from there.
struct Taps {
  int first = 0;
  std::vector<float> weights;
};

std::vector<Taps> MakeTaps(int from, int to, ResizeFilter filter) {
  const double scale = static_cast<double>(from) / to;
  const double stretch = std::max(scale, 1.0);
  const double reach = Support(filter) * stretch;
  std::vector<Taps> all(to);
  for (int i = 0; i < to; ++i) {
    const double center = (i + 0.5) * scale;
    Taps& taps = all[i];
    taps.first = std::max(0, static_cast<int>(std::floor(center - reach)));
    const int last =
        std::min(from - 1, static_cast<int>(std::ceil(center + reach)));
    double sum = 0;
    for (int j = taps.first; j <= last; ++j) {
      double weight = FilterValue(filter, (j + 0.5 - center) / stretch);
      if (filter == ResizeFilter::kArea) {
        // The exact overlap of pixel j with the target's own stretch.
        const double low = std::max<double>(j, center - stretch / 2);
        const double high = std::min<double>(j + 1, center + stretch / 2);
        weight = std::max(0.0, high - low);
      }
      taps.weights.push_back(static_cast<float>(weight));
      sum += weight;
    }
    for (float& weight : taps.weights) weight /= static_cast<float>(sum);
  }
  return all;
}

Plane ResizePlane(const Plane& plane, const std::vector<Taps>& columns,
                  const std::vector<Taps>& rows) {
  Plane wide = MakePlane(static_cast<int>(columns.size()), plane.height);
  for (int y = 0; y < wide.height; ++y) {
    for (int x = 0; x < wide.width; ++x) {
      const Taps& taps = columns[x];
      float sum = 0;
      for (size_t k = 0; k < taps.weights.size(); ++k) {
        sum += taps.weights[k] * plane.at(taps.first + static_cast<int>(k), y);
      }
      wide.at(x, y) = sum;
    }
  }
  Plane result = MakePlane(wide.width, static_cast<int>(rows.size()));
  for (int y = 0; y < result.height; ++y) {
    const Taps& taps = rows[y];
    for (size_t k = 0; k < taps.weights.size(); ++k) {
      for (int x = 0; x < result.width; ++x) {
        result.at(x, y) +=
            taps.weights[k] * wide.at(x, taps.first + static_cast<int>(k));
      }
    }
  }
  return result;
}

void PutChannel(const Plane& plane, int channel, Image* image) {
  for (size_t i = 0; i < plane.values.size(); ++i) {
    image->pixels[i * image->channels + channel] = static_cast<uint8_t>(
        std::nearbyint(std::clamp(plane.values[i], 0.0f, 255.0f)));
  }
}

// Mirrored about the last pixel, as often as it takes.
int Mirrored(int i, int size) {
  if (size == 1) return 0;
  const int period = 2 * (size - 1);
  i = ((i % period) + period) % period;
  return i < size ? i : period - i;
}

}  // namespace

Image Resize(const Image& image, int width, int height, ResizeFilter filter) {
  width = std::max(width, 1);
  height = std::max(height, 1);
  const std::vector<Taps> columns = MakeTaps(image.width, width, filter);
  const std::vector<Taps> rows = MakeTaps(image.height, height, filter);
  Image result = MakeImage(width, height, image.channels);
  for (int c = 0; c < image.channels; ++c) {
    PutChannel(ResizePlane(ChannelOf(image, c), columns, rows), c, &result);
  }
  return result;
}

Size DetectSize(int width, int height, int resolution) {
  const double scale =
      static_cast<double>(resolution) / std::min(width, height);
  const auto rounded = [scale](int side) {
    return std::max(64,
                    static_cast<int>(std::nearbyint(side * scale / 64)) * 64);
  };
  return {rounded(width), rounded(height)};
}

Plane Blur(const Plane& plane, double sigma) {
  const int radius = std::max(1, static_cast<int>(std::nearbyint(3 * sigma)));
  std::vector<float> kernel;
  double sum = 0;
  for (int i = -radius; i <= radius; ++i) {
    kernel.push_back(
        static_cast<float>(std::exp(-i * i / (2 * sigma * sigma))));
    sum += kernel.back();
  }
  for (float& weight : kernel) weight /= static_cast<float>(sum);
  Plane wide = MakePlane(plane.width, plane.height);
  Plane result = wide;
  for (int y = 0; y < plane.height; ++y) {
    for (int x = 0; x < plane.width; ++x) {
      for (int k = -radius; k <= radius; ++k) {
        wide.at(x, y) +=
            kernel[k + radius] * plane.at(Mirrored(x + k, plane.width), y);
      }
    }
  }
  for (int y = 0; y < plane.height; ++y) {
    for (int k = -radius; k <= radius; ++k) {
      const int from = Mirrored(y + k, plane.height);
      for (int x = 0; x < plane.width; ++x) {
        result.at(x, y) += kernel[k + radius] * wide.at(x, from);
      }
    }
  }
  return result;
}

Image Blur(const Image& image, double sigma) {
  Image result = image;
  for (int c = 0; c < image.channels; ++c) {
    PutChannel(Blur(ChannelOf(image, c), sigma), c, &result);
  }
  return result;
}

Gradient Sobel(const Plane& plane, int x, int y, Border border) {
  const auto at = [&](int dx, int dy) {
    if (border == Border::kReplicate) return plane.clamped(x + dx, y + dy);
    return plane.at(Mirrored(x + dx, plane.width),
                    Mirrored(y + dy, plane.height));
  };
  return {at(1, -1) + 2 * at(1, 0) + at(1, 1) - at(-1, -1) - 2 * at(-1, 0) -
              at(-1, 1),
          at(-1, 1) + 2 * at(0, 1) + at(1, 1) - at(-1, -1) - 2 * at(0, -1) -
              at(1, -1)};
}

void DrawLine(Point from, Point to, uint8_t value, Image* grey) {
  const double length =
      std::max(std::fabs(to.x - from.x), std::fabs(to.y - from.y));
  const int steps = std::max(1, static_cast<int>(std::ceil(length)));
  for (int i = 0; i <= steps; ++i) {
    const double part = static_cast<double>(i) / steps;
    const auto x =
        static_cast<int>(std::lround(from.x + part * (to.x - from.x)));
    const auto y =
        static_cast<int>(std::lround(from.y + part * (to.y - from.y)));
    if (x < 0 || y < 0 || x >= grey->width || y >= grey->height) continue;
    grey->at(x, y, 0) = value;
  }
}

}  // namespace sheaf::engine
