#include "inference/engine/tensor/placement.h"

#include <map>
#include <string>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "base/status.h"

namespace sheaf::engine {
namespace {

constexpr std::string_view kCuda = "cuda";

absl::StatusOr<at::Device> DeviceNamed(std::string_view name) {
  if (name == "cpu") return at::Device(at::kCPU);
  int index = -1;
  const bool is_cuda =
      name == kCuda ||
      (name.substr(0, kCuda.size() + 1) == "cuda:" &&
       absl::SimpleAtoi(ToAbsl(name.substr(kCuda.size() + 1)), &index) &&
       index >= 0 && index < 128);
  if (!is_cuda) {
    return absl::InvalidArgumentError(absl::StrCat(
        "'", ToAbsl(name), "' is no device; write cpu, cuda or cuda:1"));
  }
  if (!at::globalContext().hasCUDA()) {
    return absl::FailedPreconditionError(
        "no CUDA here: it needs a GPU and a build with -DSHEAF_CUDA=ON");
  }
  return at::Device(at::kCUDA, static_cast<at::DeviceIndex>(index));
}

}  // namespace

absl::StatusOr<Placement> PlacementNamed(std::string_view device,
                                         std::string_view dtype) {
  static const auto* const dtypes =
      new std::map<std::string_view, at::ScalarType>(
          {{"fp32", at::kFloat}, {"bf16", at::kBFloat16}, {"fp16", at::kHalf}});
  SHEAF_ASSIGN_OR_RETURN(const at::Device found, DeviceNamed(device));
  if (dtype == "auto") dtype = found.is_cpu() ? "fp32" : "fp16";
  const auto type = dtypes->find(dtype);
  if (type == dtypes->end()) {
    return absl::InvalidArgumentError(
        absl::StrCat("'", ToAbsl(dtype),
                     "' is no number type; write fp32, bf16, fp16 or auto"));
  }
  if (type->second == at::kHalf && found.is_cpu()) {
    return absl::InvalidArgumentError("fp16 is for cuda");
  }
  return Placement{.device = found, .dtype = type->second};
}

}  // namespace sheaf::engine
