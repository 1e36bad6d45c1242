// The devices of this machine, by the names people write. Does not include
// LibTorch.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "inference/engine/tensor/cuda_driver.h"

namespace sheaf::engine {

struct DeviceFacts {
  std::string name;         // As ResolveDevice() returns it.
  std::string description;  // Its make: "NVIDIA H200".
  size_t memory_bytes = 0;  // 0: unknown.
  std::string driver;  // "550.54.15, CUDA 13.0"; empty where there is none.
  std::string build;   // "LibTorch 2.11"
  std::string host;    // The processor's make, where the device is another.
};

// The devices of this machine that this build can use, best first: "cuda:0",
// "cuda:1" and so on, or "cpu" alone where there is no GPU.
std::vector<std::string> DevicesHere();

// Turns "auto" into the first of `here`, "auto:1" into the second and so on,
// beginning again after the last. Returns any other name as it is.
// INVALID_ARGUMENT for an "auto:" that no number follows.
absl::StatusOr<std::string> ResolveDevice(std::string_view name,
                                          const std::vector<std::string>& here);

// The number in "cuda:1"; 0 for "cuda"; none for any other name.
std::optional<int> CudaOrdinal(std::string_view name);

// Describes a device. `memory_bytes` of a CPU is the machine's memory.
DeviceFacts FactsOf(std::string_view device,
                    const CudaDriver& driver = InstalledCudaDriver());
// "NVIDIA H200, 550.54.15, CUDA 13.0, LibTorch 2.11": all but name and memory.
std::string MakeOf(const DeviceFacts& facts);

}  // namespace sheaf::engine
