// The filters that preprocessors are built from: resizing, blurring, gradients,
// lines.
#pragma once

#include "inference/engine/image/image.h"

namespace sheaf::engine {

enum class ResizeFilter { kBilinear, kArea, kLanczos };

// Separable. When shrinking, filters widen so that no pixel is skipped. The new
// sides are at least 1.
Image Resize(const Image& image, int width, int height, ResizeFilter filter);

// The size at which detectors look at a picture: the shorter side near
// `resolution`, both multiples of 64.
struct Size {
  int width = 0;
  int height = 0;
};
Size DetectSize(int width, int height, int resolution);

// Gaussian, with the border mirrored about its last pixel. sigma > 0.
Plane Blur(const Plane& plane, double sigma);
Image Blur(const Image& image, double sigma);

// Sobel 3 by 3 at a pixel. Borders repeat the last pixel, or mirror about it.
enum class Border { kReplicate, kMirror };
struct Gradient {
  float x = 0;
  float y = 0;
};
Gradient Sobel(const Plane& plane, int x, int y, Border border);

// Draws a line one pixel wide; parts outside the image are left out.
struct Point {
  double x = 0;
  double y = 0;
};
void DrawLine(Point from, Point to, uint8_t value, Image* grey);

}  // namespace sheaf::engine
