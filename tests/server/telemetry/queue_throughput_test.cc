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

  // A commit in which so many runs of a batch ended for good.
  static Committed Ended(const std::string& queue, int runs,
                         RunState state = RunState::kSucceeded) {
    Committed committed;
    Event& event = committed.events.emplace_back();
    event.type = EventType::kRunsChanged;
    event.queue = queue;
    event.batch = BatchId{1};
    for (int i = 0; i < runs; ++i) {
      event.runs.push_back({RunId(JobId{1}, i), state, 1});
    }
    return committed;
  }
  void Note(const std::string& queue, int finished, absl::Time now) {
    throughput_.NoteCommit(Ended(queue, finished), now);
  }

  QueueThroughput throughput_;
  absl::Time now_ = absl::FromUnixSeconds(1'700'000'000);
};

TEST_F(QueueThroughputTest, NothingIsKnownBeforeTheSecondMoment) {
  EXPECT_EQ(Seconds(), -1);
  Note("default", 8, now_);
  EXPECT_EQ(Seconds(), -1);
}

TEST_F(QueueThroughputTest, SteadyRunsGiveTheirTime) {
  for (int i = 0; i < 50; ++i, now_ += absl::Seconds(3)) {
    Note("default", 1, now_);
  }
  EXPECT_NEAR(Seconds(), 3, 1e-6);
}

TEST_F(QueueThroughputTest, ABatchSharesItsTime) {
  for (int i = 0; i < 10; ++i, now_ += absl::Seconds(16)) {
    Note("default", 8, now_);
  }
  EXPECT_NEAR(Seconds(), 2, 1e-6);
}

TEST_F(QueueThroughputTest, ABatchReportedRunByRunCountsAsOneReportedWhole) {
  for (int i = 0; i < 4; ++i, now_ += absl::Seconds(16)) {
    for (int run = 0; run < 8; ++run) {
      Note("default", 1, now_ + absl::Milliseconds(run));
    }
  }
  EXPECT_NEAR(Seconds(), 2, 1e-6);
}

TEST_F(QueueThroughputTest, SeveralWorkersMakeOnePace) {
  // Four workers take ten seconds a run each, not in step.
  for (int i = 0; i < 80; ++i, now_ += absl::Seconds(2.5)) {
    Note("default", 1, now_);
  }
  EXPECT_NEAR(Seconds(), 2.5, 1e-6);
}

TEST_F(QueueThroughputTest, FollowsAChangeWithinMinutes) {
  for (int i = 0; i < 100; ++i, now_ += absl::Seconds(1)) {
    Note("default", 1, now_);
  }
  for (int i = 0; i < 60; ++i, now_ += absl::Seconds(10)) {
    Note("default", 1, now_);
  }
  EXPECT_NEAR(Seconds(), 10, 0.7);
}

TEST_F(QueueThroughputTest, QueuesHaveEachTheirOwn) {
  Note("slow", 1, now_);
  Note("fast", 1, now_);
  Note("slow", 1, now_ + absl::Seconds(30));
  Note("fast", 1, now_ + absl::Seconds(1));
  EXPECT_NEAR(Seconds("slow"), 30, 1e-6);
  EXPECT_NEAR(Seconds("fast"), 1, 1e-6);
}

TEST_F(QueueThroughputTest, IsForgottenAfterTenMinutesOfSilence) {
  Note("default", 1, now_);
  now_ += absl::Seconds(5);
  Note("default", 1, now_);
  now_ += absl::Minutes(10);
  EXPECT_NEAR(Seconds(), 5, 1e-6);
  now_ += absl::Seconds(1);
  EXPECT_EQ(Seconds(), -1);
  // The silence is not taken for the time of the next run.
  Note("default", 1, now_);
  EXPECT_EQ(Seconds(), -1);
  now_ += absl::Seconds(7);
  Note("default", 1, now_);
  EXPECT_NEAR(Seconds(), 7, 1e-6);
}

TEST_F(QueueThroughputTest, NothingFinishedIsNoNews) {
  Note("default", 0, now_);
  Note("default", 1, now_ + absl::Seconds(5));
  now_ += absl::Seconds(6);
  EXPECT_EQ(Seconds(), -1);
}

TEST_F(QueueThroughputTest, RunsThatGoBackInLineHaveNotFinished) {
  Note("default", 1, now_);
  now_ += absl::Seconds(4);
  throughput_.NoteCommit(Ended("default", 5, RunState::kQueued), now_);
  EXPECT_EQ(Seconds(), -1);
  throughput_.NoteCommit(Ended("default", 1, RunState::kFailed), now_);
  EXPECT_NEAR(Seconds(), 4, 1e-6);
}

TEST_F(QueueThroughputTest, RunsThatEndInLineTakeNoTime) {
  Note("default", 1, now_);
  now_ += absl::Seconds(4);
  Committed purge = Ended("default", 1000, RunState::kCancelled);
  purge.events[0].batch = {};
  throughput_.NoteCommit(purge, now_);
  EXPECT_EQ(Seconds(), -1);
}

TEST_F(QueueThroughputTest, ANewQueueOfADeletedOnesNameBeginsAnew) {
  Note("huts", 1, now_);
  now_ += absl::Seconds(4);
  Note("huts", 1, now_);
  Committed deleted;
  deleted.events.push_back({.type = EventType::kQueueDeleted, .queue = "huts"});
  throughput_.NoteCommit(deleted, now_);
  EXPECT_EQ(Seconds("huts"), -1);
}

TEST_F(QueueThroughputTest, AClockThatStoodStillDoesNoHarm) {
  Note("default", 1, now_);
  Note("default", 5, now_);
  Note("default", 5, now_ - absl::Seconds(1));
  EXPECT_EQ(Seconds(), -1);
}

}  // namespace
}  // namespace sheaf::server
