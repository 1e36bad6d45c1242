// What the server takes a device to be before any of its own figures are in:
// the profile by which plans are priced.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "batching/pricing/profile.h"

namespace sheaf::server {

// A device that nobody has measured. What is predicted by it orders plans
// sensibly and says nothing of real times, and its name says so.
batching::Profile UnmeasuredProfile();

// Of "FILE", or "FILE:NAME" where the file holds several (docs/batching.md);
// UnmeasuredProfile() for "unmeasured". INVALID_ARGUMENT names the file and
// what is wrong with it.
absl::StatusOr<batching::Profile> LoadDeviceProfile(const std::string& where);

}  // namespace sheaf::server
