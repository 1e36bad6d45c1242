// The memory that tensors on the CPU take: it is counted, limited by
// SetMemoryLimit(), and kept for the next tensor. Memory that libraries below
// LibTorch take for themselves is not seen.
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
// bytes together take at most a quarter plus 64 MiB more than the most that
// tensors alone have taken since ReleaseKeptMemory().
size_t MemoryKept();
// Gives kept memory back to the system: for when a model is put away, or work
// has ended.
void ReleaseKeptMemory();
// The same, and also gives back what the C library keeps of all other memory.
// Takes some milliseconds.
void CleanUpMemory();
// All bytes of this process in memory, not only tensors'; 0 where the system
// does not say.
size_t ResidentBytes();

// A tensor that would raise the bytes in use above `bytes` fails as if memory
// had run out: Guard() returns RESOURCE_EXHAUSTED. 0: no limit.
void SetMemoryLimit(size_t bytes);

}  // namespace sheaf::engine
