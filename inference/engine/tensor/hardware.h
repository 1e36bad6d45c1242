// The make of this machine's processor and of its driver, as far as the system
// tells.
// Does not include LibTorch. Any thread.
#pragma once

#include <string>
#include <string_view>

namespace sheaf::engine {

// "AMD EPYC 7763 64-Core Processor"; empty where the system does not say.
std::string ProcessorName();

// The version of NVIDIA's driver, "550.54.15"; empty where there is none.
std::string NvidiaDriverVersion();

// The processor's name in the text of /proc/cpuinfo, and the driver's version
// in that of /proc/driver/nvidia/version; empty where there is none.
std::string ProcessorNameIn(std::string_view cpuinfo);
std::string DriverVersionIn(std::string_view version);

}  // namespace sheaf::engine
