#include "base/stop_flag.h"

#include <atomic>
#include <thread>

#include "gtest/gtest.h"
#include "tests/base/fake_steady_clock.h"

namespace sheaf {
namespace {

TEST(StopFlagTest, AWaitEndsAtItsTime) {
  FakeSteadyClock clock;
  const StopFlag flag(&clock);
  std::atomic<bool> ended = false;
  std::thread other([&] {
    EXPECT_FALSE(flag.WaitFor(absl::Seconds(10)));
    ended = true;
  });
  EXPECT_TRUE(clock.WaitForWaiters());
  clock.Advance(absl::Seconds(9));
  EXPECT_TRUE(clock.WaitForWaiters());
  EXPECT_FALSE(ended);
  clock.Advance(absl::Seconds(1));
  other.join();
}

TEST(StopFlagTest, AWaitEndsWhenTheFlagIsSet) {
  FakeSteadyClock clock;
  StopFlag flag(&clock);
  std::thread other([&] { EXPECT_TRUE(flag.WaitFor(absl::Hours(1))); });
  EXPECT_TRUE(clock.WaitForWaiters());
  EXPECT_FALSE(flag.IsSet());
  flag.Set();
  other.join();
  EXPECT_TRUE(flag.IsSet());
  EXPECT_TRUE(flag.WaitFor(absl::Hours(1))) << "it stays set";
}

}  // namespace
}  // namespace sheaf
