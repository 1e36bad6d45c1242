// The memory that tensors on the CPU take: counted, limited where somebody asks
// for it, and kept for the next tensor. What libraries below LibTorch take for
// themselves is not seen.
#pragma once

#include <cstddef>

namespace sheaf::engine {

// Puts our allocator between LibTorch and the system. Once per process, before
// the first tensor; later calls do nothing.
void InstallAllocator();

// Bytes held by tensors now, and at most since ResetMemoryPeak(). 0 without
// our allocator. Any thread.
size_t MemoryInUse();
size_t MemoryPeak();
void ResetMemoryPeak();

// Bytes that no tensor holds and that were not given back. Tensors and these
// together take at most a quarter, and 64 MiB, more than tensors alone have
// taken since ReleaseKeptMemory().
size_t MemoryKept();
// Gives them back to the system: for when a model goes, or work has ended.
void ReleaseKeptMemory();
// The same, and what the C library keeps of all other memory: some
// milliseconds.
void CleanUpMemory();
// Bytes of this process in memory, by whatever took them; 0 where the system
// does not say.
size_t ResidentBytes();

// A tensor that would pass `bytes` fails as if memory had run out: Guard()
// returns RESOURCE_EXHAUSTED. 0: no limit.
void SetMemoryLimit(size_t bytes);

}  // namespace sheaf::engine
