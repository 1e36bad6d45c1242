#include "inference/engine/tensor/devices.h"

#include <c10/core/impl/VirtualGuardImpl.h>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "base/status.h"

namespace sheaf::engine {

std::vector<std::string> DevicesHere() {
  std::vector<std::string> devices;
  if (c10::impl::hasDeviceGuardImpl(c10::DeviceType::CUDA)) {
    const int count =
        c10::impl::VirtualGuardImpl(c10::DeviceType::CUDA).deviceCount();
    for (int i = 0; i < count; ++i) devices.push_back(absl::StrCat("cuda:", i));
  }
  if (devices.empty()) devices.push_back("cpu");
  return devices;
}

absl::StatusOr<std::string> ResolveDevice(
    std::string_view name, const std::vector<std::string>& here) {
  constexpr std::string_view kAuto = "auto";
  if (name == kAuto) return here.front();
  if (!name.starts_with("auto:")) return std::string(name);
  uint32_t index = 0;
  if (!absl::SimpleAtoi(ToAbsl(name.substr(kAuto.size() + 1)), &index)) {
    return absl::InvalidArgumentError(absl::StrCat(
        "'", ToAbsl(name), "' is no device; write auto or auto:1"));
  }
  return here[index % here.size()];
}

}  // namespace sheaf::engine
