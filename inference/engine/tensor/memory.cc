#include "inference/engine/tensor/memory.h"

#include <c10/core/Allocator.h>
#include <c10/core/CPUAllocator.h>
#include <malloc.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <fstream>
#include <mutex>

#include "inference/engine/tensor/block_cache.h"
#include "inference/engine/tensor/torch.h"

namespace sheaf::engine {
namespace {

// The room before a tensor's bytes, which keeps the size of its block.
constexpr size_t kHeader = 64;
// Tensors of different sizes that come and go by turns need room beside each
// other.
constexpr size_t kKeptAlways = size_t{64} << 20;

std::atomic<size_t> in_use{0};
std::atomic<size_t> peak{0};       // Since ResetMemoryPeak().
std::atomic<size_t> peak_kept{0};  // Since ReleaseKeptMemory().
std::atomic<size_t> limit{0};

BlockCache& Cache() {
  static auto* cache = new BlockCache;
  return *cache;
}

void Raise(std::atomic<size_t>* highest, size_t now) {
  size_t before = highest->load();
  while (now > before && !highest->compare_exchange_weak(before, now)) {
  }
}

// How many bytes may be kept while tensors hold `used` bytes.
size_t KeptMax(size_t used) {
  const size_t most = peak_kept.load();
  const size_t bound = most + most / 4 + kKeptAlways;
  return bound - std::min(used, bound);
}

void Release(void* bytes) {
  if (bytes == nullptr) return;
  char* block = static_cast<char*>(bytes) - kHeader;
  size_t size = 0;
  std::memcpy(&size, block, sizeof(size));
  const size_t left = in_use.fetch_sub(size) - size;
  Cache().Put(block, size, KeptMax(left));
}

void* Acquire(size_t bytes) {
  const size_t size = BlockCache::RoundedSize(bytes + kHeader);
  const size_t bound = limit.load();
  if (bound != 0 && in_use.load() + size > bound) {
    TORCH_CHECK(false, "can't allocate memory: ", bytes,
                " bytes more pass the limit of ", bound);
  }
  const size_t now = in_use.fetch_add(size) + size;
  Raise(&peak_kept, now);
  char* block = static_cast<char*>(Cache().Take(size, KeptMax(now)));
  if (block == nullptr) {
    in_use.fetch_sub(size);
    TORCH_CHECK(false, "can't allocate memory: ", bytes, " bytes");
  }
  std::memcpy(block, &size, sizeof(size));
  Raise(&peak, now);
  return block + kHeader;
}

class OwnAllocator final : public c10::Allocator {
 public:
#if SHEAF_TORCH_ALLOCATES_MUTABLY
  c10::DataPtr allocate(size_t bytes) override { return Allocate(bytes); }
  void copy_data(void* to, const void* from, size_t bytes) const override {
    default_copy_data(to, from, bytes);
  }
#else
  c10::DataPtr allocate(size_t bytes) const override { return Allocate(bytes); }
#endif
  // oneDNN asks for plain pointers.
  c10::DeleterFnPtr raw_deleter() const override { return &Release; }

 private:
  static c10::DataPtr Allocate(size_t bytes) {
    void* block = bytes == 0 ? nullptr : Acquire(bytes);
    return {block, block, &Release, c10::Device(c10::kCPU)};
  }
};

}  // namespace

void InstallAllocator() {
  static std::once_flag once;
  std::call_once(once, [] {
    static OwnAllocator allocator;
    // A priority higher than any that LibTorch registers by itself.
    c10::SetCPUAllocator(&allocator, 200);
  });
}

size_t MemoryInUse() { return in_use.load(); }
size_t MemoryPeak() { return peak.load(); }
void ResetMemoryPeak() { peak.store(in_use.load()); }

size_t MemoryKept() { return Cache().kept_bytes(); }

void ReleaseKeptMemory() {
  Cache().Trim(0);
  peak_kept.store(in_use.load());
}

void CleanUpMemory() {
  ReleaseKeptMemory();
#ifdef __GLIBC__
  malloc_trim(0);
#endif
}

size_t ResidentBytes() {
  // Pages: all, and those in memory.
  size_t all = 0;
  size_t resident = 0;
  std::ifstream("/proc/self/statm") >> all >> resident;
  return resident * static_cast<size_t>(sysconf(_SC_PAGESIZE));
}

void SetMemoryLimit(size_t bytes) { limit.store(bytes); }

}  // namespace sheaf::engine
