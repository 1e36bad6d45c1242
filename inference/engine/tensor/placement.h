// Devices and number types by the names people write.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "inference/engine/tensor/devices.h"
#include "inference/engine/tensor/module_scope.h"

namespace sheaf::engine {

// "cpu", "cuda" (the first GPU) or "cuda:1"; "fp32", "bf16", "fp16", or "auto"
// for fp32 on a CPU and fp16 elsewhere. INVALID_ARGUMENT for unknown names, and
// for fp16 on a CPU, which LibTorch has no convolutions for;
// FAILED_PRECONDITION for a device that is not among `here`: this machine, or
// this build, does not have it.
absl::StatusOr<Placement> PlacementNamed(
    std::string_view device, std::string_view dtype,
    const std::vector<std::string>& here = DevicesHere());

}  // namespace sheaf::engine
