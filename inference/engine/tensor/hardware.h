// The make of this machine's processor and cards, as far as the system tells.
// Does not include LibTorch. Any thread.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace sheaf::engine {

// "AMD EPYC 7763 64-Core Processor"; empty where the system does not say.
std::string ProcessorName();

// A CUDA device. Empty or 0: not known.
struct Card {
  std::string name;  // "NVIDIA L40S"
  size_t memory_bytes = 0;
  std::string driver;  // "550.54.15"
};
// The card that LibTorch knows as cuda:`index`. Asks the driver, which LibTorch
// has loaded already.
Card CudaCard(int index);

// The processor's name in the text of /proc/cpuinfo, and the driver's version
// in that of /proc/driver/nvidia/version; empty where there is none.
std::string ProcessorNameIn(std::string_view cpuinfo);
std::string DriverVersionIn(std::string_view version);

}  // namespace sheaf::engine
