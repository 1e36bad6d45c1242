#include "server/scheduling/device_identity.h"

#include <cstdint>

#include "gtest/gtest.h"

namespace sheaf::server {
namespace {

constexpr int64_t kGiB = int64_t{1} << 30;

DeviceInfo Card() {
  return {.name = "cuda:0",
          .description = "NVIDIA L40S",
          .memory_bytes = 45 * kGiB,
          .driver = "550.54.15",
          .build = "LibTorch 2.11, fp16",
          .host = "AMD EPYC 7763, 64 threads"};
}

TEST(DeviceIdentityTest, IsReadable) {
  EXPECT_EQ(IdentityOf(Card()),
            "cuda: NVIDIA L40S, 45 GiB; driver 550.54.15; LibTorch 2.11, fp16; "
            "AMD EPYC 7763, 64 threads");
  EXPECT_EQ(IdentityOf({.name = "gpu"}), "gpu") << "of whom nothing is known";
}

TEST(DeviceIdentityTest, EqualCardsShareIt) {
  DeviceInfo other = Card();
  other.name = "cuda:7";
  other.memory_bytes -= 20'000'000;
  EXPECT_EQ(IdentityOf(other), IdentityOf(Card()));
}

TEST(DeviceIdentityTest, EveryDifferenceThatChangesFiguresParts) {
  const auto change = [](auto what) {
    DeviceInfo other = Card();
    what(other);
    return IdentityOf(other);
  };
  for (const std::string& other :
       {change([](DeviceInfo& card) { card.name = "rocm:0"; }),
        change([](DeviceInfo& card) { card.description = "NVIDIA RTX 3060"; }),
        change([](DeviceInfo& card) { card.memory_bytes = 12 * kGiB; }),
        change([](DeviceInfo& card) { card.driver = "580.1"; }),
        change([](DeviceInfo& card) { card.build = "LibTorch 2.11, bf16"; }),
        change([](DeviceInfo& card) { card.host = "Intel Xeon"; })}) {
    EXPECT_NE(other, IdentityOf(Card()));
  }
}

TEST(DeviceIdentityTest, LittleMemoryIsNotRounded) {
  EXPECT_EQ(IdentityOf({.name = "cpu", .memory_bytes = 3000}),
            "cpu, 3000 bytes");
  EXPECT_EQ(IdentityOf({.name = "cpu", .memory_bytes = 100'000}),
            "cpu, 98 KiB");
}

}  // namespace
}  // namespace sheaf::server
