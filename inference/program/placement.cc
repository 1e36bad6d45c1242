#include "inference/program/placement.h"

#include "inference/tensor/placement.h"

namespace sheaf::engine {

Option DeviceOption() {
  return {"device", "NAME", "cpu, cuda or cuda:1; default: cpu"};
}

Option DtypeOption() {
  return {"dtype", "NAME", "fp32, bf16, fp16 (cuda) or auto; default: fp32"};
}

absl::StatusOr<Placement> PlacementOf(const Arguments& arguments) {
  return PlacementNamed(arguments.Text("device", "cpu"),
                        arguments.Text("dtype", "fp32"));
}

}  // namespace sheaf::engine
