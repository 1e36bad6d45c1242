// The profile that the server assumes for a device before it has any figures of
// the device itself. It prices plans.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "batching/pricing/profile.h"

namespace sheaf::server {

// The profile of a device that nobody has measured. Its predictions order plans
// sensibly and say nothing of real times, and its name says so.
batching::Profile UnmeasuredProfile();

// Reads the profile of "FILE", or of "FILE:NAME" where the file holds several
// (docs/batching.md); UnmeasuredProfile() for "unmeasured". INVALID_ARGUMENT
// names the file and what is wrong with it.
absl::StatusOr<batching::Profile> LoadDeviceProfile(const std::string& where);

}  // namespace sheaf::server
