#include "base/steady_clock.h"

#include <gtest/gtest.h>

#include <thread>

#include "tests/base/fake_steady_clock.h"

namespace sheaf {
namespace {

TEST(SteadyClockTest, AWaitEndsAtItsTime) {
  absl::Mutex mutex;
  SteadyCondition changed;
  const absl::Time until = SteadyClock::Real()->Now() + absl::Milliseconds(5);
  absl::MutexLock lock(&mutex);
  while (changed.WaitUntil(&mutex, until)) {
  }
  EXPECT_GE(SteadyClock::Real()->Now(), until);
}

TEST(SteadyClockTest, AWaitWithoutALimitEndsWhenItIsNotified) {
  absl::Mutex mutex;
  SteadyCondition changed;
  bool done = false;
  std::thread other([&] {
    absl::MutexLock lock(&mutex);
    done = true;
    changed.NotifyAll();
  });
  {
    absl::MutexLock lock(&mutex);
    while (!done) changed.Wait(&mutex);
  }
  other.join();
}

TEST(SteadyClockTest, ATimeThatHasComeIsNotWaitedFor) {
  absl::Mutex mutex;
  SteadyCondition changed;
  absl::MutexLock lock(&mutex);
  EXPECT_FALSE(changed.WaitUntil(&mutex, absl::InfinitePast()));
}

TEST(SteadyClockTest, AFakeClockEndsTheWaitsThatItsTestTurnsItTo) {
  FakeSteadyClock clock;
  absl::Mutex mutex;
  SteadyCondition changed(&clock);
  const absl::Time until = clock.Now() + absl::Hours(1);
  std::thread other([&] {
    absl::MutexLock lock(&mutex);
    while (changed.WaitUntil(&mutex, until)) {
    }
  });
  EXPECT_TRUE(clock.WaitForWaiters());
  clock.Advance(absl::Minutes(59));
  EXPECT_TRUE(clock.WaitForWaiters());
  clock.Advance(absl::Minutes(1));
  other.join();
}

}  // namespace
}  // namespace sheaf
