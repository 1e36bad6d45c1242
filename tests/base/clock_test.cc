#include "base/clock.h"

#include <atomic>
#include <thread>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace sheaf {
namespace {

using ::testing::HasSubstr;

constexpr absl::Duration kYears = absl::Hours(24 * 365 * 10);

class ServerClockTest : public ::testing::Test {
 protected:
  ServerClock Clock(absl::Time floor = absl::InfinitePast()) {
    return ServerClock(floor, {.wall = [this] { return wall_; },
                               .steady = [this] { return steady_; }});
  }
  // Both clocks go on.
  void Pass(absl::Duration time) {
    wall_ += time;
    steady_ += time;
  }

  const absl::Time start_ = absl::FromUnixSeconds(1'700'000'000);
  absl::Time wall_ = start_;
  absl::Duration steady_ = absl::Hours(5);
};

TEST_F(ServerClockTest, FollowsAGoodWallClock) {
  ServerClock clock = Clock();
  EXPECT_EQ(clock.Now(), start_);
  for (int i = 0; i < 100; ++i) {
    Pass(absl::Seconds(7));
    EXPECT_EQ(clock.Now(), wall_);
  }
  EXPECT_EQ(clock.StepPending(), absl::ZeroDuration());
  EXPECT_EQ(clock.AdoptStep(), absl::ZeroDuration());
  EXPECT_EQ(clock.Problem(), "");
}

TEST_F(ServerClockTest, AStepBackSlowsTimeAndNeverTurnsIt) {
  for (const absl::Duration step : {absl::Hours(1), kYears}) {
    wall_ = start_;
    ServerClock clock = Clock();
    wall_ -= step;
    EXPECT_EQ(clock.Now(), start_);
    Pass(absl::Seconds(100));
    EXPECT_EQ(clock.Now(), start_ + absl::Seconds(90));
    EXPECT_THAT(clock.Problem(),
                HasSubstr("the system clock stepped back by " +
                          absl::FormatDuration(step - absl::Seconds(10))));
    EXPECT_EQ(clock.AdoptStep(), absl::ZeroDuration());
  }
}

TEST_F(ServerClockTest, AStepBackIsOverOnceTheWallClockHasCaughtUp) {
  ServerClock clock = Clock();
  wall_ -= absl::Minutes(1);
  absl::Time last = clock.Now();
  for (int i = 0; i < 620; ++i) {
    Pass(absl::Seconds(1));
    const absl::Time now = clock.Now();
    EXPECT_GT(now, last);
    last = now;
  }
  EXPECT_EQ(last, wall_);
  EXPECT_EQ(clock.Problem(), "");
}

TEST_F(ServerClockTest, ALongSilenceDoesNotOvershootBelowTheWallClock) {
  ServerClock clock = Clock();
  wall_ -= absl::Minutes(1);
  Pass(absl::Hours(10));
  EXPECT_EQ(clock.Now(), wall_);
}

TEST_F(ServerClockTest, ASmallStepAheadWaitsUntilItIsAdopted) {
  ServerClock clock = Clock();
  const absl::Duration step = absl::Hours(1);
  wall_ += step;
  Pass(absl::Seconds(10));
  EXPECT_EQ(clock.Now(), start_ + absl::Seconds(10));
  EXPECT_EQ(clock.StepPending(), step);
  Pass(absl::Seconds(10));
  EXPECT_EQ(clock.Now(), start_ + absl::Seconds(20));
  EXPECT_EQ(clock.AdoptStep(), step);
  EXPECT_EQ(clock.Now(), wall_);
  EXPECT_EQ(clock.StepPending(), absl::ZeroDuration());
}

TEST_F(ServerClockTest, ALargeStepAheadMustStandForTenMinutes) {
  ServerClock clock = Clock();
  wall_ += kYears;
  Pass(absl::Seconds(1));
  EXPECT_EQ(clock.StepPending(), absl::ZeroDuration());
  EXPECT_EQ(clock.AdoptStep(), absl::ZeroDuration());
  EXPECT_THAT(clock.Problem(), HasSubstr("the system clock went ahead by"));
  Pass(absl::Minutes(9));
  EXPECT_EQ(clock.StepPending(), absl::ZeroDuration());
  EXPECT_EQ(clock.Now(), wall_ - kYears);
  Pass(absl::Minutes(1));
  EXPECT_EQ(clock.StepPending(), kYears);
  EXPECT_EQ(clock.AdoptStep(), kYears);
  EXPECT_EQ(clock.Now(), wall_);
  EXPECT_EQ(clock.Problem(), "");
}

TEST_F(ServerClockTest, AClockThatGoesOnJumpingNeverCounts) {
  ServerClock clock = Clock();
  absl::Duration jumps;
  for (int i = 0; i < 100; ++i) {
    wall_ += absl::Hours(2);
    jumps += absl::Hours(2);
    Pass(absl::Minutes(5));
    EXPECT_EQ(clock.StepPending(), absl::ZeroDuration());
  }
  EXPECT_EQ(clock.Now(), wall_ - jumps);
}

TEST_F(ServerClockTest, AnOperatorMayAcceptAStepAtOnce) {
  ServerClock clock = Clock();
  wall_ += kYears;
  EXPECT_EQ(clock.Accept(), kYears);
  EXPECT_EQ(clock.StepPending(), kYears);
  EXPECT_EQ(clock.AdoptStep(), kYears);
  EXPECT_EQ(clock.Now(), wall_);
  // The acceptance was for one step only.
  wall_ += kYears;
  EXPECT_EQ(clock.StepPending(), absl::ZeroDuration());
}

TEST_F(ServerClockTest, AStepAheadThatIsTakenBackHasNeverBeen) {
  ServerClock clock = Clock();
  wall_ += kYears;
  Pass(absl::Minutes(9));
  EXPECT_EQ(clock.StepPending(), absl::ZeroDuration());
  wall_ -= kYears;
  Pass(absl::Minutes(9));
  EXPECT_EQ(clock.StepPending(), absl::ZeroDuration());
  EXPECT_EQ(clock.Now(), wall_);
  EXPECT_EQ(clock.Problem(), "");
}

TEST_F(ServerClockTest, SuspendIsAStepAhead) {
  ServerClock clock = Clock();
  wall_ += absl::Hours(8);  // The steady clock stands still meanwhile.
  EXPECT_EQ(clock.Now(), start_);
  Pass(absl::Minutes(1));
  EXPECT_EQ(clock.Now(), start_ + absl::Minutes(1));
  Pass(absl::Minutes(10));
  EXPECT_EQ(clock.StepPending(), absl::Hours(8));
}

TEST_F(ServerClockTest, WhatAWrongClockWroteDownPinsNothing) {
  ServerClock clock = Clock(start_ + kYears);
  EXPECT_EQ(clock.Now(), start_);
  EXPECT_EQ(clock.Problem(), "");
}

TEST_F(ServerClockTest, AStartLongAfterAllThatIsStoredSettlesInTenMinutes) {
  ServerClock clock = Clock(start_ - absl::Hours(2));
  EXPECT_EQ(clock.Now(), start_);
  EXPECT_FALSE(clock.IsSettled());
  EXPECT_THAT(clock.Note(), HasSubstr("nothing is deleted"));
  Pass(absl::Minutes(9));
  EXPECT_FALSE(clock.IsSettled());
  Pass(absl::Minutes(1));
  EXPECT_TRUE(clock.IsSettled());
  EXPECT_EQ(clock.Note(), "");
}

TEST_F(ServerClockTest, AnOperatorMaySettleItAtOnce) {
  ServerClock clock = Clock(start_ - kYears);
  EXPECT_FALSE(clock.IsSettled());
  EXPECT_EQ(clock.Accept(), absl::ZeroDuration());
  EXPECT_TRUE(clock.IsSettled());
}

TEST_F(ServerClockTest, AnEmptyStoreIsSettledFromTheStart) {
  EXPECT_TRUE(Clock().IsSettled());
  EXPECT_TRUE(Clock(start_ - absl::Minutes(59)).IsSettled());
}

TEST_F(ServerClockTest, AFloorInTheFutureIsWhereTimeStarts) {
  ServerClock clock = Clock(start_ + absl::Hours(1));
  EXPECT_EQ(clock.Now(), start_ + absl::Hours(1));
  EXPECT_THAT(clock.Problem(), HasSubstr("1h"));
  Pass(absl::Hours(10));
  EXPECT_EQ(clock.Now(), wall_);
  EXPECT_EQ(clock.Problem(), "");
}

TEST_F(ServerClockTest, AFloorInThePastChangesNothing) {
  EXPECT_EQ(Clock(start_ - kYears).Now(), start_);
}

TEST_F(ServerClockTest, SmallDriftsAreSlewedSilently) {
  for (const absl::Duration drift : {absl::Seconds(2), absl::Seconds(-2)}) {
    wall_ = start_;
    ServerClock clock = Clock();
    wall_ += drift;
    EXPECT_EQ(clock.Now(), start_);
    Pass(absl::Seconds(10));
    EXPECT_EQ(clock.Now(), start_ + absl::Seconds(10) + drift / 2);
    EXPECT_EQ(clock.StepPending(), absl::ZeroDuration());
    EXPECT_EQ(clock.Problem(), "");
    Pass(absl::Seconds(10));
    EXPECT_EQ(clock.Now(), wall_);
  }
}

TEST_F(ServerClockTest, ASteadyClockThatGoesBackIsTakenForOneThatStands) {
  ServerClock clock = Clock();
  Pass(absl::Seconds(5));
  const absl::Time before = clock.Now();
  steady_ -= absl::Seconds(1);
  EXPECT_EQ(clock.Now(), before);
  steady_ += absl::Seconds(1);
  EXPECT_EQ(clock.Now(), before);
}

TEST(ServerClockThreadsTest, NoThreadEverSeesItGoBack) {
  std::atomic<int64_t> jump = 0;
  ClockSources sources = SystemClockSources();
  sources.wall = [&] { return absl::Now() + absl::Seconds(jump.load()); };
  ServerClock clock(absl::InfinitePast(), std::move(sources));
  std::vector<std::thread> threads;
  std::atomic<int> backwards = 0;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      absl::Time last = clock.Now();
      for (int i = 0; i < 20'000; ++i) {
        if (t == 0 && i % 100 == 0) jump = (i % 7 - 3) * 3600;
        if (t == 1 && i % 1000 == 0) clock.AdoptStep();
        const absl::Time now = clock.Now();
        if (now < last) ++backwards;
        last = now;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(backwards, 0);
}

}  // namespace
}  // namespace sheaf
