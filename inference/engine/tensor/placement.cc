#include "inference/engine/tensor/placement.h"

#include <algorithm>
#include <map>
#include <optional>

#include "absl/strings/str_cat.h"
#include "base/status.h"

namespace sheaf::engine {
namespace {

absl::StatusOr<at::Device> DeviceNamed(std::string_view name,
                                       const std::vector<std::string>& here) {
  if (name == "cpu") return at::Device(at::kCPU);
  const std::optional<int> ordinal = CudaOrdinal(name);
  if (!ordinal) {
    return absl::InvalidArgumentError(absl::StrCat(
        "'", ToAbsl(name), "' is no device; write cpu, cuda or cuda:1"));
  }
  if (here.front() == "cpu") {
    return absl::FailedPreconditionError(
        "no CUDA here: it needs a GPU and a build with -DSHEAF_CUDA=ON");
  }
  const std::string full = absl::StrCat("cuda:", *ordinal);
  if (std::find(here.begin(), here.end(), full) == here.end()) {
    return absl::FailedPreconditionError(
        absl::StrCat("no ", full, " here: the last GPU is ", here.back()));
  }
  return at::Device(at::kCUDA, static_cast<at::DeviceIndex>(*ordinal));
}

}  // namespace

absl::StatusOr<Placement> PlacementNamed(std::string_view device,
                                         std::string_view dtype,
                                         const std::vector<std::string>& here) {
  static const auto* const dtypes =
      new std::map<std::string_view, at::ScalarType>(
          {{"fp32", at::kFloat}, {"bf16", at::kBFloat16}, {"fp16", at::kHalf}});
  SHEAF_ASSIGN_OR_RETURN(const at::Device found, DeviceNamed(device, here));
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
