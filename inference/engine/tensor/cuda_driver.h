// NVIDIA's driver, asked for the names and sizes of the cards that CUDA
// programs see here. LibTorch tells these to nobody who was built without
// CUDA's headers. Does not include LibTorch.
#pragma once

#include <cstddef>
#include <optional>
#include <string>

namespace sheaf::engine {

struct Card {
  std::string name;         // "NVIDIA H200"
  size_t memory_bytes = 0;  // All of its memory.
  // The newest version of CUDA that the driver knows, as 1000 * major + 10 *
  // minor.
  int cuda_version = 0;
};

// The driver's functions that are used here, as cuda.h declares them: they
// return 0 on success, and a card is a number. Tests give functions of their
// own.
struct CudaDriver {
  int (*init)(unsigned flags) = nullptr;
  int (*version)(int* version) = nullptr;
  int (*device)(int* device, int ordinal) = nullptr;
  int (*name)(char* name, int size, int device) = nullptr;
  int (*memory)(size_t* bytes, int device) = nullptr;
};

// The driver of this machine, loaded at the first call and never unloaded. Its
// functions are null where there is no driver. Any thread.
const CudaDriver& InstalledCudaDriver();

// The card with that number, as CUDA numbers those that the process may see
// (CUDA_VISIBLE_DEVICES). Nothing where there is no driver, or no such card.
std::optional<Card> CardNumber(int ordinal, const CudaDriver& driver);

}  // namespace sheaf::engine
