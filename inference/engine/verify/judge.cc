#include "inference/engine/verify/judge.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <limits>

#include "absl/strings/str_format.h"
#include "inference/engine/verify/cases.h"

namespace sheaf::engine {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

// In fp32. The largest difference of latents, as a part of the largest latent.
constexpr double kLatentTolerance = 1e-4;
// The part of a picture's values that may be off by more than one.
constexpr double kPictureTolerance = 1e-3;
constexpr double kElsewhere = 10;

// docs/testing.md says what was measured.
constexpr HalfBounds kBf16 = {
    .module = 0.04, .latents = 0.1, .picture = 0.01, .levels = 16};
constexpr HalfBounds kFp16 = {
    .module = 0.006, .latents = 0.015, .picture = 0.01, .levels = 4};

// The distance of the two by the length of `expected`.
double RelativeDistance(const at::Tensor& actual, const at::Tensor& expected) {
  if (!actual.defined() || !expected.defined() ||
      actual.sizes() != expected.sizes()) {
    return kInfinity;
  }
  const at::Tensor wanted = expected.to(at::kCPU, at::kDouble);
  const at::Tensor difference = actual.to(at::kCPU, at::kDouble) - wanted;
  const auto length = [](const at::Tensor& tensor) {
    return std::sqrt((tensor * tensor).sum().item<double>());
  };
  const double distance = length(difference);
  if (distance == 0) return 0;
  const double relative = distance / length(wanted);
  return std::isnan(relative) ? kInfinity : relative;
}

// The part of a picture's values that are off by more than `levels`; 1 where
// the sizes differ.
double PartOff(const Image& image, const at::Tensor& expected, int levels) {
  const at::Tensor bytes = expected.contiguous();
  if (expected.dim() != 3 || expected.scalar_type() != at::kByte ||
      expected.size(0) != image.height || expected.size(1) != image.width ||
      expected.size(2) != image.channels) {
    return 1;
  }
  const uint8_t* values = bytes.data_ptr<uint8_t>();
  size_t off = 0;
  for (size_t i = 0; i < image.pixels.size(); ++i) {
    if (std::abs(int{image.pixels[i]} - int{values[i]}) > levels) ++off;
  }
  return static_cast<double>(off) / static_cast<double>(image.pixels.size());
}

}  // namespace

Judge::Judge(const Placement& placement)
    : placement_(placement),
      half_(placement.dtype == at::kHalf ? kFp16 : kBf16),
      elsewhere_(placement.device.is_cpu() ? 1 : kElsewhere) {}

void Judge::Module(const at::Tensor& actual, const at::Tensor& expected,
                   double tolerance, Outcome* outcome) const {
  if (is_half()) {
    outcome->tolerance = half_.module;
    outcome->error =
        std::max(outcome->error, RelativeDistance(actual, expected));
    return;
  }
  constexpr double kLastPlaces = 16;
  Compare(actual, expected, outcome);
  tolerance *= elsewhere_;
  if (expected.defined()) {
    tolerance =
        std::max(tolerance, elsewhere_ * kLastPlaces * std::ldexp(1.0, -23) *
                                expected.abs().max().item<double>());
  }
  outcome->tolerance = std::max(outcome->tolerance, tolerance);
}

void Judge::Latents(const at::Tensor& actual, const at::Tensor& expected,
                    Outcome* outcome) const {
  if (is_half()) {
    outcome->tolerance = half_.latents;
    outcome->error = RelativeDistance(actual, expected);
    return;
  }
  Compare(actual, expected, outcome);
  if (!expected.defined()) return;
  outcome->tolerance =
      elsewhere_ * kLatentTolerance * expected.abs().max().item<double>();
}

void Judge::Picture(const Image& actual, const at::Tensor& expected,
                    Outcome* outcome) const {
  outcome->tolerance =
      is_half() ? half_.picture : elsewhere_ * kPictureTolerance;
  outcome->error = PartOff(actual, expected, is_half() ? half_.levels : 1);
}

std::string Judge::Rules() const {
  const std::string device = placement_.device.str();
  if (!is_half()) {
    return absl::StrFormat(
        "fp32 on %s: largest differences, %s; %g of a picture's values may be "
        "off by more than 1\n",
        device,
        elsewhere_ == 1 ? "each against its own tolerance"
                        : "each against ten times the tolerance of a CPU",
        elsewhere_ * kPictureTolerance);
  }
  return absl::StrFormat(
      "%s on %s: distances from the reference by its length, at most %g for a "
      "model's output and %g for latents; %g of a picture's values may be off "
      "by more than %d\n",
      placement_.dtype == at::kHalf ? "fp16" : "bf16", device, half_.module,
      half_.latents, half_.picture, half_.levels);
}

}  // namespace sheaf::engine
