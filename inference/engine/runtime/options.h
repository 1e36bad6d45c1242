// How a runtime is set up. Plain values, for command lines.
#pragma once

#include <cstddef>
#include <string>

namespace sheaf::engine {

struct RuntimeOptions {
  std::string device = "cpu";  // "cpu", "cuda", "cuda:1"; "auto"
  std::string dtype = "auto";  // "fp32", "bf16", "fp16"; auto: the device's.
  // Models together hold no more than this, rows aside. 0: no bound.
  size_t model_bytes_max = 0;
  // Tensors on the CPU hold no more than this; a tensor that would exceed it
  // fails as if memory had run out. 0: no bound but the machine's memory.
  size_t memory_bytes_max = 0;
  // Memory that allocators keep for later goes back to the system after this
  // many batches. 0: only when it is needed.
  int batches_per_cleanup = 50;
};

}  // namespace sheaf::engine
