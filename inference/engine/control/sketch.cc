// Scribbles and line drawings, from differences of blurs.
#include <algorithm>
#include <cmath>

#include "inference/engine/control/detectors.h"

namespace sheaf::engine {
namespace {

// Per pixel, the least over the channels of `wide` - `narrow`: how much darker
// a pixel is than its surroundings, in the colour that shows it least.
Plane LeastDifference(const Image& rgb, double narrow, double wide) {
  Plane least = MakePlane(rgb.width, rgb.height, 255.0f);
  for (int channel = 0; channel < 3; ++channel) {
    const Plane plane = ChannelOf(rgb, channel);
    const Plane around = Blur(plane, wide);
    const Plane here = narrow > 0 ? Blur(plane, narrow) : plane;
    for (size_t i = 0; i < least.values.size(); ++i) {
      least.values[i] =
          std::min(least.values[i], around.values[i] - here.values[i]);
    }
  }
  return least;
}

float Median(std::vector<float> values) {
  const size_t middle = values.size() / 2;
  std::nth_element(values.begin(), values.begin() + middle, values.end());
  const float above = values[middle];
  if (values.size() % 2 == 1) return above;
  return 0.5f *
         (above + *std::max_element(values.begin(), values.begin() + middle));
}

}  // namespace

Image DetectScribble(const Image& rgb, int threshold) {
  const Plane darker = LeastDifference(rgb, 0.5, 5.0);
  Plane strokes = MakePlane(rgb.width, rgb.height);
  for (size_t i = 0; i < strokes.values.size(); ++i) {
    const float amount = std::clamp(darker.values[i], 0.0f, 255.0f);
    strokes.values[i] = 2 * amount > static_cast<float>(threshold) ? 1 : 0;
  }
  return FromPlane(strokes);
}

Image DetectLineart(const Image& rgb) {
  constexpr float kNoticeable = 8;
  constexpr float kScaleMin = 16;
  Plane lines = LeastDifference(rgb, 0, 6.0);
  std::vector<float> noticeable;
  for (float& value : lines.values) {
    value = std::clamp(value, 0.0f, 255.0f);
    if (value > kNoticeable) noticeable.push_back(value);
  }
  const float scale = noticeable.empty()
                          ? kScaleMin
                          : std::max(kScaleMin, Median(std::move(noticeable)));
  // The typical line becomes half white.
  for (float& value : lines.values) value = value / scale * 127.0f / 255.0f;
  return FromPlane(lines);
}

}  // namespace sheaf::engine
