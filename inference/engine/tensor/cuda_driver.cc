#include "inference/engine/tensor/cuda_driver.h"

#include <dlfcn.h>

#include <type_traits>

namespace sheaf::engine {
namespace {

CudaDriver LoadDriver() {
  CudaDriver driver;
  void* const library = dlopen("libcuda.so.1", RTLD_LAZY | RTLD_LOCAL);
  if (library == nullptr) return driver;
  const auto find = [library](const char* name, auto* function) {
    *function = reinterpret_cast<std::remove_reference_t<decltype(*function)>>(
        dlsym(library, name));
  };
  find("cuInit", &driver.init);
  find("cuDriverGetVersion", &driver.version);
  find("cuDeviceGet", &driver.device);
  find("cuDeviceGetName", &driver.name);
  find("cuDeviceTotalMem_v2", &driver.memory);
  return driver;
}

}  // namespace

const CudaDriver& InstalledCudaDriver() {
  static const auto* const driver = new CudaDriver(LoadDriver());
  return *driver;
}

std::optional<Card> CardNumber(int ordinal, const CudaDriver& driver) {
  if (driver.init == nullptr || driver.version == nullptr ||
      driver.device == nullptr || driver.name == nullptr ||
      driver.memory == nullptr) {
    return std::nullopt;
  }
  Card card;
  char name[256] = {};
  int device = 0;
  if (driver.init(0) != 0 || driver.device(&device, ordinal) != 0 ||
      driver.name(name, sizeof(name) - 1, device) != 0 ||
      driver.memory(&card.memory_bytes, device) != 0 ||
      driver.version(&card.cuda_version) != 0) {
    return std::nullopt;
  }
  card.name = name;
  return card;
}

}  // namespace sheaf::engine
