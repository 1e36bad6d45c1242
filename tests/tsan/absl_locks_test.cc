// The thread sanitizer sees Abseil's locks: what they guard is no race, and
// what nothing guards is one. A test in which it reports a race fails.
#include <gtest/gtest.h>
#include <stdlib.h>

#include <functional>
#include <thread>

#include "absl/synchronization/mutex.h"
#include "absl/synchronization/notification.h"
#include "absl/time/time.h"

namespace {

constexpr int kTurns = 100;

void InTwoThreads(const std::function<void()>& work) {
  std::thread a(work);
  std::thread b(work);
  a.join();
  b.join();
}

// Calls `give` in one thread and `take` in another.
void HandOver(const std::function<void()>& give,
              const std::function<void()>& take) {
  std::thread a(give);
  std::thread b(take);
  a.join();
  b.join();
}

TEST(AbslLocksTest, WithoutALockTwoThreadsAreARace) {
  testing::FLAGS_gtest_death_test_style = "threadsafe";
  int count = 0;
  EXPECT_EXIT(
      {
        InTwoThreads([&] {
          for (int i = 0; i < kTurns; ++i) ++count;
        });
        exit(0);
      },
      testing::ExitedWithCode(66), "data race");
}

TEST(AbslLocksTest, AnotherLockIsNoProtection) {
  testing::FLAGS_gtest_death_test_style = "threadsafe";
  int count = 0;
  EXPECT_EXIT(
      {
        InTwoThreads([&] {
          absl::Mutex mutex;
          for (int i = 0; i < kTurns; ++i) {
            absl::MutexLock lock(&mutex);
            ++count;
          }
        });
        exit(0);
      },
      testing::ExitedWithCode(66), "data race");
}

TEST(AbslLocksTest, ALockGuards) {
  absl::Mutex mutex;
  int count = 0;
  InTwoThreads([&] {
    for (int i = 0; i < kTurns; ++i) {
      absl::MutexLock lock(&mutex);
      ++count;
    }
  });
  EXPECT_EQ(count, 2 * kTurns);
}

TEST(AbslLocksTest, ATriedLockGuards) {
  absl::Mutex mutex;
  int count = 0;
  InTwoThreads([&] {
    for (int done = 0; done < kTurns;) {
      if (!mutex.TryLock()) continue;
      ++count;
      ++done;
      mutex.Unlock();
    }
  });
  EXPECT_EQ(count, 2 * kTurns);
}

TEST(AbslLocksTest, ReadersAreGuardedFromAWriter) {
  absl::Mutex mutex;
  int count = 0;
  HandOver(
      [&] {
        for (int i = 0; i < kTurns; ++i) {
          absl::MutexLock lock(&mutex);
          ++count;
        }
      },
      [&] {
        for (int seen = 0; seen < kTurns;) {
          absl::ReaderMutexLock lock(&mutex);
          seen = count;
        }
        while (!mutex.ReaderTryLock()) continue;
        EXPECT_EQ(count, kTurns);
        mutex.ReaderUnlock();
      });
}

TEST(AbslLocksTest, AWaitForAConditionTakesItsLockAgain) {
  absl::Mutex mutex;
  int count = 0;
  const auto odd = [&count] { return count % 2 == 1; };
  const auto even = [&count] { return count % 2 == 0; };
  HandOver(
      [&] {
        for (int i = 0; i < kTurns; ++i) {
          absl::MutexLock lock(&mutex, absl::Condition(&even));
          ++count;
          mutex.Await(absl::Condition(&even));
        }
      },
      [&] {
        for (int i = 0; i < kTurns; ++i) {
          absl::MutexLock lock(&mutex);
          while (!mutex.AwaitWithTimeout(absl::Condition(&odd),
                                         absl::Seconds(1))) {
          }
          ++count;
        }
      });
  EXPECT_EQ(count, 2 * kTurns);
}

TEST(AbslLocksTest, AConditionVariableTakesItsLockAgain) {
  absl::Mutex mutex;
  absl::CondVar changed;
  int count = 0;
  HandOver(
      [&] {
        for (int i = 0; i < kTurns; ++i) {
          absl::MutexLock lock(&mutex);
          while (count % 2 == 1) changed.Wait(&mutex);
          ++count;
          changed.SignalAll();
        }
      },
      [&] {
        for (int i = 0; i < kTurns; ++i) {
          absl::MutexLock lock(&mutex);
          while (count % 2 == 0) {
            changed.WaitWithTimeout(&mutex, absl::Seconds(1));
          }
          ++count;
          changed.Signal();
        }
      });
  EXPECT_EQ(count, 2 * kTurns);
}

TEST(AbslLocksTest, ANotificationHandsOver) {
  for (int i = 0; i < kTurns; ++i) {
    absl::Notification told;
    int text = 0;
    HandOver(
        [&] {
          text = 1;
          told.Notify();
        },
        [&] {
          told.WaitForNotification();
          EXPECT_EQ(text, 1);
        });
    EXPECT_TRUE(told.HasBeenNotified());
  }
}

}  // namespace
