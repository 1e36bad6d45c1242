#include "server/telemetry/queue_throughput.h"

#include "gtest/gtest.h"

namespace sheaf::server {
namespace {

class QueueThroughputTest : public ::testing::Test {
 protected:
  double Seconds(const std::string& queue = "default") {
    const auto per_run = throughput_.PerRun(queue, now_);
    return per_run ? absl::ToDoubleSeconds(*per_run) : -1;
  }

  QueueThroughput throughput_;
  absl::Time now_ = absl::FromUnixSeconds(1'700'000'000);
};

TEST_F(QueueThroughputTest, NothingIsKnownBeforeTheSecondMoment) {
  EXPECT_EQ(Seconds(), -1);
  throughput_.Note("default", 8, now_);
  EXPECT_EQ(Seconds(), -1);
}

TEST_F(QueueThroughputTest, SteadyRunsGiveTheirTime) {
  for (int i = 0; i < 50; ++i, now_ += absl::Seconds(3)) {
    throughput_.Note("default", 1, now_);
  }
  EXPECT_NEAR(Seconds(), 3, 1e-6);
}

TEST_F(QueueThroughputTest, ABatchSharesItsTime) {
  for (int i = 0; i < 10; ++i, now_ += absl::Seconds(16)) {
    throughput_.Note("default", 8, now_);
  }
  EXPECT_NEAR(Seconds(), 2, 1e-6);
}

TEST_F(QueueThroughputTest, ABatchReportedRunByRunCountsAsOneReportedWhole) {
  for (int i = 0; i < 4; ++i, now_ += absl::Seconds(16)) {
    for (int run = 0; run < 8; ++run) {
      throughput_.Note("default", 1, now_ + absl::Milliseconds(run));
    }
  }
  EXPECT_NEAR(Seconds(), 2, 1e-6);
}

TEST_F(QueueThroughputTest, SeveralWorkersMakeOnePace) {
  // Four workers take ten seconds a run each, not in step.
  for (int i = 0; i < 80; ++i, now_ += absl::Seconds(2.5)) {
    throughput_.Note("default", 1, now_);
  }
  EXPECT_NEAR(Seconds(), 2.5, 1e-6);
}

TEST_F(QueueThroughputTest, FollowsAChangeWithinMinutes) {
  for (int i = 0; i < 100; ++i, now_ += absl::Seconds(1)) {
    throughput_.Note("default", 1, now_);
  }
  for (int i = 0; i < 60; ++i, now_ += absl::Seconds(10)) {
    throughput_.Note("default", 1, now_);
  }
  EXPECT_NEAR(Seconds(), 10, 0.7);
}

TEST_F(QueueThroughputTest, QueuesHaveEachTheirOwn) {
  throughput_.Note("slow", 1, now_);
  throughput_.Note("fast", 1, now_);
  throughput_.Note("slow", 1, now_ + absl::Seconds(30));
  throughput_.Note("fast", 1, now_ + absl::Seconds(1));
  EXPECT_NEAR(Seconds("slow"), 30, 1e-6);
  EXPECT_NEAR(Seconds("fast"), 1, 1e-6);
}

TEST_F(QueueThroughputTest, IsForgottenAfterTenMinutesOfSilence) {
  throughput_.Note("default", 1, now_);
  now_ += absl::Seconds(5);
  throughput_.Note("default", 1, now_);
  now_ += absl::Minutes(10);
  EXPECT_NEAR(Seconds(), 5, 1e-6);
  now_ += absl::Seconds(1);
  EXPECT_EQ(Seconds(), -1);
  // The silence is not taken for the time of the next run.
  throughput_.Note("default", 1, now_);
  EXPECT_EQ(Seconds(), -1);
  now_ += absl::Seconds(7);
  throughput_.Note("default", 1, now_);
  EXPECT_NEAR(Seconds(), 7, 1e-6);
}

TEST_F(QueueThroughputTest, NothingFinishedIsNoNews) {
  throughput_.Note("default", 0, now_);
  throughput_.Note("default", 1, now_ + absl::Seconds(5));
  now_ += absl::Seconds(6);
  EXPECT_EQ(Seconds(), -1);
}

TEST_F(QueueThroughputTest, AClockThatStoodStillDoesNoHarm) {
  throughput_.Note("default", 1, now_);
  throughput_.Note("default", 5, now_);
  throughput_.Note("default", 5, now_ - absl::Seconds(1));
  EXPECT_EQ(Seconds(), -1);
}

}  // namespace
}  // namespace sheaf::server
