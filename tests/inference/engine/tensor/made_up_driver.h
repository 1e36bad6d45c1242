// A driver of two cards that do not exist.
#pragma once

#include <cstdio>

#include "inference/engine/tensor/cuda_driver.h"

namespace sheaf::engine {

inline CudaDriver MadeUpDriver() {
  CudaDriver driver;
  driver.init = [](unsigned) { return 0; };
  driver.version = [](int* version) {
    *version = 13010;
    return 0;
  };
  // Handles are no ordinals.
  driver.device = [](int* device, int ordinal) {
    *device = 70 + ordinal;
    return ordinal >= 0 && ordinal < 2 ? 0 : 101;
  };
  driver.name = [](char* name, int size, int device) {
    std::snprintf(name, static_cast<size_t>(size), "Made-up card %d",
                  device - 70);
    return 0;
  };
  driver.memory = [](size_t* bytes, int) {
    *bytes = size_t{141} << 30;
    return 0;
  };
  return driver;
}

}  // namespace sheaf::engine
