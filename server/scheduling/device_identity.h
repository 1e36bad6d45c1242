// The identity of a device: what is learned of it belongs to that, and to no
// other device. Two hosts whose cards are equal share it; a card of another
// model, memory, driver, build or class of host has another. Pure.
#pragma once

#include <cstdint>
#include <string>

namespace sheaf::server {

// A device as its worker describes it; all but the name may be empty.
struct DeviceInfo {
  std::string name;         // "cuda:0"
  std::string description;  // "NVIDIA L40S"
  int64_t memory_bytes = 0;
  std::string driver;  // "550.54.15"
  std::string build;   // "sheaf 0.2.0, LibTorch 2.11, fp16"
  std::string host;    // "AMD EPYC 7763, 64 threads"
};

// "cuda: NVIDIA L40S, 45 GiB; driver 550.54.15; sheaf 0.2.0, LibTorch 2.11,
// fp16; AMD EPYC 7763, 64 threads". Leaves out what is not known, and the
// number in the name: cards of one host are equal unless they say otherwise.
// Memory is rounded, since equal hosts keep a little more or less of it for
// themselves.
std::string IdentityOf(const DeviceInfo& device);

}  // namespace sheaf::server
