// Devices other than the CPU, whatever their make: how to wait for them, and
// the memory that tensors take there. Each function also takes a CPU, for which
// it does what memory.h says. One thread, that of the engine.
#pragma once

#include <cstddef>

#include "inference/engine/tensor/memory.h"
#include "inference/engine/tensor/torch.h"

namespace sheaf::engine {

// Returns once the device has done all that it was asked to do: a call of
// LibTorch returns before that. Whoever reads the clock calls this first. At
// once for a CPU. Throws as LibTorch does, also for work that failed meanwhile.
void Synchronize(at::Device device);

// The most bytes that tensors on the device have held since ResetMemoryPeak()
// of that device. 0 where LibTorch (before 2.11) does not tell.
size_t MemoryPeak(at::Device device);
void ResetMemoryPeak(at::Device device);

// Gives back the memory that is kept for later tensors, on the device and on
// the CPU.
void ReleaseKeptMemory(at::Device device);
// The same, and also what the C library keeps. Takes some milliseconds.
void CleanUpMemory(at::Device device);

}  // namespace sheaf::engine
