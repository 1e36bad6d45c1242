#include "inference/engine/tensor/devices.h"

#include <c10/core/impl/VirtualGuardImpl.h>
#include <unistd.h>

#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/status.h"
#include "inference/engine/tensor/hardware.h"
#include "inference/engine/tensor/torch.h"

namespace sheaf::engine {
namespace {

constexpr std::string_view kCuda = "cuda";
constexpr int kOrdinalMax = 127;

}  // namespace

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

std::optional<int> CudaOrdinal(std::string_view name) {
  if (name == kCuda) return 0;
  if (!name.starts_with("cuda:")) return std::nullopt;
  int ordinal = 0;
  if (!absl::SimpleAtoi(ToAbsl(name.substr(kCuda.size() + 1)), &ordinal) ||
      ordinal < 0 || ordinal > kOrdinalMax) {
    return std::nullopt;
  }
  return ordinal;
}

DeviceFacts FactsOf(std::string_view device, const CudaDriver& driver) {
  DeviceFacts facts;
  facts.name = std::string(device);
  facts.build =
      absl::StrCat("LibTorch ", TORCH_VERSION_MAJOR, ".", TORCH_VERSION_MINOR);
  std::string processor = ProcessorName();
  if (processor.empty()) processor = "CPU";
  absl::StrAppend(&processor, ", ", at::get_num_threads(), " threads");
  const std::optional<int> ordinal = CudaOrdinal(device);
  if (!ordinal) {
    facts.description = std::move(processor);
    facts.memory_bytes = static_cast<size_t>(sysconf(_SC_PHYS_PAGES)) *
                         static_cast<size_t>(sysconf(_SC_PAGESIZE));
    return facts;
  }
  facts.host = std::move(processor);
  facts.driver = NvidiaDriverVersion();
  const std::optional<Card> card = CardNumber(*ordinal, driver);
  facts.description = card ? card->name : "CUDA";
  if (!card) return facts;
  facts.memory_bytes = card->memory_bytes;
  absl::StrAppend(&facts.driver, facts.driver.empty() ? "" : ", ", "CUDA ",
                  card->cuda_version / 1000, ".",
                  card->cuda_version % 1000 / 10);
  return facts;
}

std::string MakeOf(const DeviceFacts& facts) {
  std::vector<std::string> parts = {facts.description};
  if (!facts.driver.empty()) parts.push_back(facts.driver);
  parts.push_back(facts.build);
  return absl::StrJoin(parts, ", ");
}

}  // namespace sheaf::engine
