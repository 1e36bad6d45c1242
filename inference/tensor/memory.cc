#include "inference/tensor/memory.h"

#include <c10/core/Allocator.h>
#include <c10/core/CPUAllocator.h>

#include <atomic>
#include <cstdlib>
#include <cstring>
#include <mutex>

#include "inference/tensor/torch.h"

namespace sheaf::engine {
namespace {

// Of every block, and the room before it that keeps its size.
constexpr size_t kAlignment = 64;

std::atomic<size_t> in_use{0};
std::atomic<size_t> peak{0};
std::atomic<size_t> limit{0};

void Count(size_t bytes) {
  const size_t now = in_use.fetch_add(bytes) + bytes;
  size_t before = peak.load();
  while (now > before && !peak.compare_exchange_weak(before, now)) {
  }
}

void Release(void* block) {
  if (block == nullptr) return;
  char* start = static_cast<char*>(block) - kAlignment;
  size_t bytes = 0;
  std::memcpy(&bytes, start, sizeof(bytes));
  in_use.fetch_sub(bytes);
  std::free(start);
}

void* Acquire(size_t bytes) {
  const size_t bound = limit.load();
  if (bound != 0 && in_use.load() + bytes > bound) {
    TORCH_CHECK(false, "can't allocate memory: ", bytes,
                " bytes more pass the limit of ", bound);
  }
  void* start = nullptr;
  if (posix_memalign(&start, kAlignment, bytes + kAlignment) != 0) {
    TORCH_CHECK(false, "can't allocate memory: ", bytes, " bytes");
  }
  std::memcpy(start, &bytes, sizeof(bytes));
  Count(bytes);
  return static_cast<char*>(start) + kAlignment;
}

class CountingAllocator final : public c10::Allocator {
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

void InstallMemoryCounter() {
  static std::once_flag once;
  std::call_once(once, [] {
    static CountingAllocator allocator;
    // Higher than any that LibTorch registers by itself.
    c10::SetCPUAllocator(&allocator, 200);
  });
}

size_t MemoryInUse() { return in_use.load(); }
size_t MemoryPeak() { return peak.load(); }
void ResetMemoryPeak() { peak.store(in_use.load()); }
void SetMemoryLimit(size_t bytes) { limit.store(bytes); }

}  // namespace sheaf::engine
