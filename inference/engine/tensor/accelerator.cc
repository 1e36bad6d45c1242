#include "inference/engine/tensor/accelerator.h"

#include <c10/core/impl/VirtualGuardImpl.h>

#include "inference/engine/tensor/guard.h"
#if SHEAF_TORCH_COUNTS_DEVICE_MEMORY
#include <c10/core/CachingDeviceAllocator.h>
#endif

namespace sheaf::engine {
namespace {

#if SHEAF_TORCH_COUNTS_DEVICE_MEMORY
// Calls `work` with the device's allocator, where there is one that was used. A
// device that failed fails here, too, which its next step reports.
template <typename Work>
void WithAllocator(at::Device device, const Work& work) {
  Guard("a device's memory", [&] {
    auto* const allocator =
        dynamic_cast<c10::DeviceAllocator*>(c10::GetAllocator(device.type()));
    if (allocator != nullptr && allocator->initialized()) work(allocator);
  }).IgnoreError();
}
#endif

void ReleaseOnDevice([[maybe_unused]] at::Device device) {
#if SHEAF_TORCH_COUNTS_DEVICE_MEMORY
  if (device.is_cpu()) return;
  WithAllocator(device, [](c10::DeviceAllocator* a) { a->emptyCache(); });
#endif
}

}  // namespace

void Synchronize(at::Device device) {
  if (device.is_cpu()) return;
  const c10::impl::VirtualGuardImpl guard(device.type());
  guard.synchronizeStream(guard.getStream(device));
}

size_t MemoryPeak(at::Device device) {
  if (device.is_cpu()) return MemoryPeak();
  size_t bytes = 0;
#if SHEAF_TORCH_COUNTS_DEVICE_MEMORY
  WithAllocator(device, [&](c10::DeviceAllocator* allocator) {
    const auto all =
        static_cast<size_t>(c10::CachingAllocator::StatType::AGGREGATE);
    bytes = static_cast<size_t>(
        allocator->getDeviceStats(device.index()).allocated_bytes[all].peak);
  });
#endif
  return bytes;
}

void ResetMemoryPeak([[maybe_unused]] at::Device device) {
  ResetMemoryPeak();
#if SHEAF_TORCH_COUNTS_DEVICE_MEMORY
  if (device.is_cpu()) return;
  WithAllocator(device, [&](c10::DeviceAllocator* allocator) {
    allocator->resetPeakStats(device.index());
  });
#endif
}

void ReleaseKeptMemory(at::Device device) {
  ReleaseKeptMemory();
  ReleaseOnDevice(device);
}

void CleanUpMemory(at::Device device) {
  CleanUpMemory();
  ReleaseOnDevice(device);
}

}  // namespace sheaf::engine
