// The detectors behind Preprocess(): each takes a picture, or a ready map, and
// returns the kind of picture that its ControlNet was trained on, as RGB.
#pragma once

#include <string_view>

#include "absl/status/statusor.h"
#include "inference/engine/control/filters.h"
#include "inference/engine/image/image.h"

namespace sheaf::engine {

// White edges on black: Canny's detector with the L1 norm, on the channel of
// the largest gradient. Gradients above `high` are edges; gradients above `low`
// are edges where they touch one.
Image DetectCanny(const Image& rgb, int low, int high);

// Straight lines, white on black: regions of similar gradients that are long
// and thin.
Image DetectLines(const Image& rgb);

// Strokes: where the picture is darker than its surroundings by `threshold`.
Image DetectScribble(const Image& rgb, int threshold);

// Soft lines, white on black.
Image DetectLineart(const Image& rgb);

// A depth map stretched to its full range; near is white.
Image ShowDepth(const Plane& depth);

// The surface normals of a depth map. `background`: depths below that part of
// the range face the viewer.
Image NormalsOfDepth(const Plane& depth, double background);

// Skeletons in OpenPose's colours from its JSON: {"people":
// [{"pose_keypoints_2d": [x, y, confidence, ...]}, ...]}, 18 or 25 points each,
// scaled from canvas_width, canvas_height where those are given.
// INVALID_ARGUMENT for any other JSON.
absl::StatusOr<Image> DrawPoses(std::string_view json, int width, int height);

// A map of ADE20K's 150 classes in their colours. A grey picture holds class
// numbers; in a colour picture each pixel takes the nearest colour of the
// palette. INVALID_ARGUMENT for a class that does not exist.
absl::StatusOr<Image> ShowSegments(const Image& image);

}  // namespace sheaf::engine
