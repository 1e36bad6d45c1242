// Where a command puts its models, by --device and --dtype.
#pragma once

#include "absl/status/statusor.h"
#include "inference/engine/cli/arguments.h"
#include "inference/engine/tensor/module_scope.h"

namespace sheaf::engine {

// The two options, for a command's list.
Option DeviceOption();
Option DtypeOption();

// INVALID_ARGUMENT for unknown names, and for half precision on a CPU, which
// LibTorch has no convolutions for; FAILED_PRECONDITION for a device that this
// machine, or this build, does not have.
absl::StatusOr<Placement> PlacementOf(const Arguments& arguments);

}  // namespace sheaf::engine
