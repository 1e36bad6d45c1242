// Control preprocessors turn a picture, or a ready map, into the input of a
// ControlNet. Preprocessors that need a network of their own (depth, pose,
// segmentation) take its result; the others are computed here, without OpenCV.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "inference/engine/image/image.h"

namespace sheaf::engine {

enum class Preprocessor {
  kNone,  // The picture is ready.
  kCanny,
  kDepth,
  kPose,
  kScribble,
  kNormal,
  kSegmentation,
  kMlsd,
  kLineart,
  kBlur,
};

// "canny", "depth"... and "edge" (canny), "seg", "openpose", "vis" and "tile"
// (blur). None for an unknown name.
std::optional<Preprocessor> PreprocessorNamed(std::string_view name);
std::string_view NameOf(Preprocessor preprocessor);
std::vector<Preprocessor> AllPreprocessors();

struct PreprocessInput {
  Image image;
  // Depth in more than eight bits, if the file has it: PngFile::deep.
  Plane deep;
  // For kPose: OpenPose's JSON. The image gives the size.
  std::string keypoints;
};

struct PreprocessOptions {
  int low = 100;  // Canny's thresholds.
  int high = 200;
  int scribble_threshold = 32;
  double background = 0.1;  // See NormalsOfDepth().
  double blur_sigma = 6;
  // Dark on white becomes white on dark: for drawings; for depth maps where
  // far is white.
  bool invert = false;
  // If not 0, the detector works on the picture at this size (see DetectSize),
  // and its map is resized to the picture's own.
  int detect_resolution = 0;
};

// RGB of the input's size. INVALID_ARGUMENT for an empty picture, for options
// out of range, and for input that the detectors refuse.
absl::StatusOr<Image> Preprocess(Preprocessor preprocessor,
                                 const PreprocessInput& input,
                                 const PreprocessOptions& options);

}  // namespace sheaf::engine
