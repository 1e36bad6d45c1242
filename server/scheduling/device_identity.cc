#include "server/scheduling/device_identity.h"

#include "absl/strings/str_cat.h"

namespace sheaf::server {
namespace {

// At least sixteen of the unit, so that it is off by three percent at most.
std::string Rounded(int64_t bytes) {
  static constexpr const char* kUnits[] = {"bytes", "KiB", "MiB", "GiB", "TiB"};
  size_t unit = 0;
  while (bytes >= 16 * 1024 && unit + 1 < std::size(kUnits)) {
    bytes = (bytes + 512) / 1024;
    ++unit;
  }
  return absl::StrCat(bytes, " ", kUnits[unit]);
}

}  // namespace

std::string IdentityOf(const DeviceInfo& device) {
  std::string identity = device.name.substr(0, device.name.find(':'));
  if (!device.description.empty()) {
    absl::StrAppend(&identity, ": ", device.description);
  }
  if (device.memory_bytes > 0) {
    absl::StrAppend(&identity, ", ", Rounded(device.memory_bytes));
  }
  if (!device.driver.empty()) {
    absl::StrAppend(&identity, "; driver ", device.driver);
  }
  if (!device.build.empty()) absl::StrAppend(&identity, "; ", device.build);
  if (!device.host.empty()) absl::StrAppend(&identity, "; ", device.host);
  return identity;
}

}  // namespace sheaf::server
