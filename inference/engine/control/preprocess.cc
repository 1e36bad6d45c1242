#include "inference/engine/control/preprocess.h"

#include <algorithm>

#include "base/status.h"
#include "inference/engine/control/detectors.h"

namespace sheaf::engine {
namespace {

struct Row {
  Preprocessor preprocessor;
  std::string_view name;
};
// NameOf() returns a preprocessor's first name here.
constexpr Row kRows[] = {
    {Preprocessor::kNone, "none"},
    {Preprocessor::kCanny, "canny"},
    {Preprocessor::kDepth, "depth"},
    {Preprocessor::kPose, "pose"},
    {Preprocessor::kScribble, "scribble"},
    {Preprocessor::kNormal, "normal"},
    {Preprocessor::kSegmentation, "segmentation"},
    {Preprocessor::kMlsd, "mlsd"},
    {Preprocessor::kLineart, "lineart"},
    {Preprocessor::kBlur, "blur"},
    {Preprocessor::kCanny, "edge"},
    {Preprocessor::kSegmentation, "seg"},
    {Preprocessor::kPose, "openpose"},
    {Preprocessor::kBlur, "vis"},
    {Preprocessor::kBlur, "tile"},
};
constexpr int kPreprocessorCount = 10;

Image Inverted(Image image) {
  for (uint8_t& pixel : image.pixels) pixel = 255 - pixel;
  return image;
}

Plane DepthOf(const PreprocessInput& input, bool invert) {
  Plane depth = input.deep.values.empty() ? ToGrey(input.image) : input.deep;
  if (invert) {
    for (float& value : depth.values) value = -value;
  }
  return depth;
}

// A wide blur shrinks the picture first, which removes detail at less cost.
Image BlurredPicture(const Image& rgb, double sigma) {
  constexpr int kShrink = 4;
  if (sigma < 2 * kShrink) return Blur(rgb, sigma);
  const Image small = Resize(rgb, rgb.width / kShrink, rgb.height / kShrink,
                             ResizeFilter::kArea);
  return Resize(Blur(small, sigma / kShrink), rgb.width, rgb.height,
                ResizeFilter::kBilinear);
}

absl::StatusOr<Image> Detect(Preprocessor preprocessor,
                             const PreprocessInput& input,
                             const PreprocessOptions& options) {
  const Image rgb = ToRgb(input.image);
  switch (preprocessor) {
    case Preprocessor::kNone:
      return options.invert ? Inverted(rgb) : rgb;
    case Preprocessor::kCanny:
      return DetectCanny(rgb, options.low, options.high);
    case Preprocessor::kDepth:
      return ShowDepth(DepthOf(input, options.invert));
    case Preprocessor::kPose:
      return DrawPoses(input.keypoints, rgb.width, rgb.height);
    case Preprocessor::kScribble:
      // A black drawing is ready once its colours are inverted.
      if (options.invert) {
        Plane grey = ToGrey(Inverted(rgb));
        for (float& value : grey.values) value = value > 127 ? 1 : 0;
        return FromPlane(grey);
      }
      return DetectScribble(rgb, options.scribble_threshold);
    case Preprocessor::kNormal:
      return NormalsOfDepth(DepthOf(input, options.invert), options.background);
    case Preprocessor::kSegmentation:
      return ShowSegments(input.image);
    case Preprocessor::kMlsd:
      return DetectLines(rgb);
    case Preprocessor::kLineart:
      return DetectLineart(options.invert ? Inverted(rgb) : rgb);
    case Preprocessor::kBlur:
      return BlurredPicture(rgb, options.blur_sigma);
  }
  return absl::InternalError("a preprocessor without a detector");
}

// Whether the preprocessor works at the picture's own size only: labels, points
// and depths lose their meaning when resized. kNone does, too.
bool LooksAtOneSize(Preprocessor preprocessor) {
  return preprocessor == Preprocessor::kNone ||
         preprocessor == Preprocessor::kPose ||
         preprocessor == Preprocessor::kSegmentation ||
         preprocessor == Preprocessor::kDepth ||
         preprocessor == Preprocessor::kNormal;
}

absl::Status Check(const PreprocessInput& input,
                   const PreprocessOptions& options) {
  const Image& image = input.image;
  const size_t size = static_cast<size_t>(std::max(image.width, 0)) *
                      std::max(image.height, 0) * image.channels;
  if (size == 0 || image.pixels.size() != size) {
    return absl::InvalidArgumentError("the control picture is empty");
  }
  if (!input.deep.values.empty() &&
      (input.deep.width != image.width || input.deep.height != image.height)) {
    return absl::InvalidArgumentError(
        "the depth map and the picture differ in size");
  }
  if (options.low < 0 || options.high < options.low) {
    return absl::InvalidArgumentError("thresholds need 0 <= low <= high");
  }
  if (!(options.blur_sigma > 0 && options.blur_sigma <= 200)) {
    return absl::InvalidArgumentError("blur_sigma is not in (0, 200]");
  }
  if (options.detect_resolution != 0 &&
      (options.detect_resolution < 64 || options.detect_resolution > 4096)) {
    return absl::InvalidArgumentError(
        "detect_resolution is neither 0 nor in [64, 4096]");
  }
  return absl::OkStatus();
}

}  // namespace

std::optional<Preprocessor> PreprocessorNamed(std::string_view name) {
  for (const Row& row : kRows) {
    if (row.name == name) return row.preprocessor;
  }
  return std::nullopt;
}

std::string_view NameOf(Preprocessor preprocessor) {
  return kRows[static_cast<size_t>(preprocessor)].name;
}

std::vector<Preprocessor> AllPreprocessors() {
  std::vector<Preprocessor> all;
  for (int i = 0; i < kPreprocessorCount; ++i) {
    all.push_back(kRows[i].preprocessor);
  }
  return all;
}

absl::StatusOr<Image> Preprocess(Preprocessor preprocessor,
                                 const PreprocessInput& input,
                                 const PreprocessOptions& options) {
  SHEAF_RETURN_IF_ERROR(Check(input, options));
  if (options.detect_resolution == 0 || LooksAtOneSize(preprocessor)) {
    return Detect(preprocessor, input, options);
  }
  const Size size = DetectSize(input.image.width, input.image.height,
                               options.detect_resolution);
  const bool grows = size.width > input.image.width;
  PreprocessInput resized;
  resized.image = Resize(input.image, size.width, size.height,
                         grows ? ResizeFilter::kLanczos : ResizeFilter::kArea);
  SHEAF_ASSIGN_OR_RETURN(const Image map,
                         Detect(preprocessor, resized, options));
  return Resize(map, input.image.width, input.image.height,
                ResizeFilter::kBilinear);
}

}  // namespace sheaf::engine
