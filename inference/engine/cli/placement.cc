#include "inference/engine/cli/placement.h"

#include "base/status.h"
#include "inference/engine/tensor/devices.h"
#include "inference/engine/tensor/placement.h"

namespace sheaf::engine {

Option DeviceOption() {
  return {"device", "NAME", "cpu, cuda, cuda:1 or auto; default: cpu"};
}

Option DtypeOption() {
  return {"dtype", "NAME", "fp32, bf16, fp16 (cuda) or auto; default: fp32"};
}

absl::StatusOr<Placement> PlacementOf(const Arguments& arguments) {
  SHEAF_ASSIGN_OR_RETURN(
      const std::string device,
      ResolveDevice(arguments.Text("device", "cpu"), DevicesHere()));
  return PlacementNamed(device, arguments.Text("dtype", "fp32"));
}

}  // namespace sheaf::engine
