#include <cstdio>

#include "inference/engine/cli/commands.h"
#include "inference/engine/tensor/devices.h"

namespace sheaf::engine {
namespace {

absl::Status RunDevices(Arguments*) {
  for (const std::string& device : DevicesHere()) {
    const DeviceFacts facts = FactsOf(device);
    std::printf("%-8s %10.1f GiB  %s\n", facts.name.c_str(),
                static_cast<double>(facts.memory_bytes) / (1 << 30),
                MakeOf(facts).c_str());
  }
  return absl::OkStatus();
}

}  // namespace

Command DevicesCommand() {
  return {"devices",
          "",
          "Lists the devices here with their memory, best first.",
          {},
          &RunDevices};
}

}  // namespace sheaf::engine
