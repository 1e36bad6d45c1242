#include "inference/program/placement.h"

#include <map>
#include <string>

namespace sheaf::engine {

Option DeviceOption() {
  return {"device", "NAME", "cpu or cuda; default: cpu"};
}

Option DtypeOption() {
  return {"dtype", "NAME", "fp32, bf16 or (cuda) fp16; default: fp32"};
}

absl::StatusOr<Placement> PlacementOf(const Arguments& arguments) {
  const std::map<std::string, at::ScalarType> dtypes = {
      {"fp32", at::kFloat}, {"bf16", at::kBFloat16}, {"fp16", at::kHalf}};
  const auto dtype = dtypes.find(arguments.Text("dtype", "fp32"));
  if (dtype == dtypes.end()) {
    return absl::InvalidArgumentError("--dtype must be fp32, bf16 or fp16");
  }
  const std::string device = arguments.Text("device", "cpu");
  if (device == "cuda") {
    if (!at::globalContext().hasCUDA()) {
      return absl::FailedPreconditionError(
          "no CUDA here: it needs a GPU and a build with -DSHEAF_CUDA=ON");
    }
    return Placement{.device = at::kCUDA, .dtype = dtype->second};
  }
  if (device != "cpu") {
    return absl::InvalidArgumentError("--device must be cpu or cuda");
  }
  if (dtype->second == at::kHalf) {
    return absl::InvalidArgumentError("--dtype fp16 is for --device cuda");
  }
  return Placement{.device = at::kCPU, .dtype = dtype->second};
}

}  // namespace sheaf::engine
