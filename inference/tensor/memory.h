// The memory that tensors on the CPU take: counted, and limited where somebody
// asks for it. What libraries below LibTorch take for themselves is not seen.
#pragma once

#include <cstddef>

namespace sheaf::engine {

// Puts the counter between LibTorch and the system. Once per process, before
// the first tensor; later calls do nothing.
void InstallMemoryCounter();

// Bytes held by tensors now, and at most since ResetMemoryPeak(). 0 without
// the counter. Any thread.
size_t MemoryInUse();
size_t MemoryPeak();
void ResetMemoryPeak();

// A tensor that would pass `bytes` fails as if memory had run out: Guard()
// returns RESOURCE_EXHAUSTED. 0: no limit.
void SetMemoryLimit(size_t bytes);

}  // namespace sheaf::engine
