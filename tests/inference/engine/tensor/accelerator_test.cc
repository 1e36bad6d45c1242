// A made-up device notes what it is asked to do.
#include "inference/engine/tensor/accelerator.h"

#include <c10/core/impl/DeviceGuardImplInterface.h>
#include <gtest/gtest.h>

#include <vector>

#if SHEAF_TORCH_COUNTS_DEVICE_MEMORY
#include <c10/core/CachingDeviceAllocator.h>
#endif

namespace sheaf::engine {
namespace {

constexpr auto kMadeUp = c10::DeviceType::PrivateUse1;

std::vector<c10::DeviceIndex>& Waits() {
  static auto* const waits = new std::vector<c10::DeviceIndex>;
  return *waits;
}

// Notes the devices whose streams are waited for.
struct NotingGuard final : c10::impl::DeviceGuardImplInterface {
  static constexpr c10::DeviceType static_type = kMadeUp;
  c10::DeviceType type() const override { return kMadeUp; }
  c10::Device exchangeDevice(c10::Device) const override {
    return {kMadeUp, 0};
  }
  c10::Device getDevice() const override { return {kMadeUp, 0}; }
  void setDevice(c10::Device) const override {}
  void uncheckedSetDevice(c10::Device) const noexcept override {}
  c10::Stream getStream(c10::Device device) const noexcept override {
    return c10::Stream(c10::Stream::DEFAULT, device);
  }
  c10::Stream exchangeStream(c10::Stream stream) const noexcept override {
    return stream;
  }
  c10::DeviceIndex deviceCount() const noexcept override { return 2; }
  void synchronizeStream(const c10::Stream& stream) const override {
    Waits().push_back(stream.device_index());
  }
};
C10_REGISTER_GUARD_IMPL(PrivateUse1, NotingGuard);

TEST(AcceleratorTest, ADeviceIsWaitedForByItsOwnStream) {
  Waits().clear();
  Synchronize(at::Device(kMadeUp, 1));
  EXPECT_EQ(Waits(), std::vector<c10::DeviceIndex>{1});
}

TEST(AcceleratorTest, ACpuIsNotWaitedFor) {
  Waits().clear();
  Synchronize(at::kCPU);
  EXPECT_TRUE(Waits().empty());
}

TEST(AcceleratorTest, TheMemoryOfACpuIsThatOfItsTensors) {
  InstallAllocator();
  ResetMemoryPeak(at::kCPU);
  const size_t before = MemoryPeak(at::kCPU);
  at::zeros({1 << 20}, at::kByte);
  EXPECT_GE(MemoryPeak(at::kCPU), before + (1 << 20));
  EXPECT_EQ(MemoryPeak(at::kCPU), MemoryPeak());
}

// Host bytes are no measure of a card's memory.
TEST(AcceleratorTest, TheMemoryOfAnotherDeviceIsUnknownUntilItsAllocatorTells) {
  InstallAllocator();
  const at::Tensor on_the_cpu = at::zeros({1 << 20}, at::kByte);
  EXPECT_EQ(MemoryPeak(at::Device(kMadeUp, 1)), 0u);
}

TEST(AcceleratorTest, GivingBackADevicesMemoryGivesBackTheHostsToo) {
  InstallAllocator();
  at::zeros({1 << 20}, at::kByte);
  ASSERT_GT(MemoryKept(), 0u);
  ReleaseKeptMemory(at::Device(kMadeUp, 1));
  EXPECT_EQ(MemoryKept(), 0u);
}

#if SHEAF_TORCH_COUNTS_DEVICE_MEMORY

// Gives no memory, and tells made-up figures of it.
struct TellingAllocator final : c10::DeviceAllocator {
  c10::DataPtr allocate(size_t) override { return {}; }
  void copy_data(void*, const void*, size_t) const override {}
  bool initialized() override { return is_used; }
  void emptyCache(c10::MempoolId_t) override { ++emptied; }
  void recordStream(const c10::DataPtr&, c10::Stream) override {}
  c10::CachingDeviceAllocator::DeviceStats getDeviceStats(
      c10::DeviceIndex device) override {
    if (fails) TORCH_CHECK(false, "CUDA error: an illegal memory access");
    c10::CachingDeviceAllocator::DeviceStats stats;
    stats.allocated_bytes[0].peak = device == 1 ? peak : 0;
    return stats;
  }
  void resetAccumulatedStats(c10::DeviceIndex) override {}
  void resetPeakStats(c10::DeviceIndex device) override {
    if (device == 1) peak = 0;
  }

  bool is_used = false;
  bool fails = false;
  int64_t peak = 7000;
  int emptied = 0;
};

TEST(AcceleratorTest, AnAllocatorThatTellsIsAsked) {
  static TellingAllocator allocator;
  c10::SetAllocator(kMadeUp, &allocator, 100);
  const at::Device device(kMadeUp, 1);
  // CUDA's allocator must not be asked before its first tensor.
  EXPECT_EQ(MemoryPeak(device), 0u);
  allocator.is_used = true;
  EXPECT_EQ(MemoryPeak(device), 7000u);
  ResetMemoryPeak(device);
  EXPECT_EQ(MemoryPeak(device), 0u);
  ReleaseKeptMemory(device);
  CleanUpMemory(device);
  EXPECT_EQ(allocator.emptied, 2);
  allocator.fails = true;
  EXPECT_EQ(MemoryPeak(device), 0u);
  allocator.is_used = false;
}

#endif  // SHEAF_TORCH_COUNTS_DEVICE_MEMORY

}  // namespace
}  // namespace sheaf::engine
