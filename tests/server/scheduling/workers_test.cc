#include "server/scheduling/workers.h"

#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace sheaf::server {
namespace {

const absl::Time kNow = absl::FromUnixSeconds(1'000'000);

class WorkerRegistryTest : public ::testing::Test {
 protected:
  void Join(int64_t id, const std::string& address = "10.0.0.1") {
    WorkerInfo info;
    info.lessee.id = WorkerId{id};
    info.lessee.name = "w" + std::to_string(id);
    info.address = address;
    workers_.Attach(info, [this, id](const WorkerNudge& nudge) {
      nudged_.emplace_back(id, nudge);
    });
  }
  std::vector<std::pair<int64_t, WorkerNudge>> nudged_;
  WorkerRegistry workers_;
};

TEST_F(WorkerRegistryTest, AWorkerIsKnownWhileItIsMissed) {
  Join(1);
  EXPECT_TRUE(workers_.Detach(WorkerId{1}));
  EXPECT_FALSE(workers_.Detach(WorkerId{1})) << "it has been";
  ASSERT_TRUE(workers_.Find(WorkerId{1}).has_value());
  EXPECT_FALSE(workers_.Find(WorkerId{1})->attached);
  EXPECT_TRUE(workers_.Remove(WorkerId{1}));
  EXPECT_FALSE(workers_.Find(WorkerId{1}).has_value());
  EXPECT_FALSE(workers_.Remove(WorkerId{1}));
  EXPECT_FALSE(workers_.Detach(WorkerId{1}));
}

TEST_F(WorkerRegistryTest, WorkGoesToThoseThatAreHereAndStay) {
  Join(1);
  Join(2);
  Join(3);
  EXPECT_TRUE(workers_.Drain(WorkerId{2}));
  workers_.Detach(WorkerId{3});
  EXPECT_EQ(workers_.Taker(WorkerId{1})->name, "w1");
  EXPECT_FALSE(workers_.Taker(WorkerId{2}).has_value());
  EXPECT_FALSE(workers_.Taker(WorkerId{3}).has_value());
  EXPECT_FALSE(workers_.Taker(WorkerId{4}).has_value());
  EXPECT_EQ(workers_.count(), 3);
  EXPECT_FALSE(workers_.Drain(WorkerId{9}));
}

TEST_F(WorkerRegistryTest, AWorkerThatIsToLeaveIsToldAtOnce) {
  Join(1);
  workers_.Drain(WorkerId{1});
  ASSERT_EQ(nudged_.size(), 1u);
  EXPECT_TRUE(nudged_[0].second.drain);
  EXPECT_TRUE(nudged_[0].second.report_now);
}

TEST_F(WorkerRegistryTest, NewsForAllReachesThoseWithAStream) {
  Join(1);
  Join(2);
  workers_.Detach(WorkerId{2});
  workers_.ReportNowToAll();
  ASSERT_EQ(nudged_.size(), 1u);
  EXPECT_EQ(nudged_[0].first, 1);
  EXPECT_TRUE(nudged_[0].second.report_now);
  EXPECT_FALSE(nudged_[0].second.drain);
  workers_.GoodbyeToAll();
  ASSERT_EQ(nudged_.size(), 2u);
  EXPECT_TRUE(nudged_[1].second.goodbye);
}

TEST_F(WorkerRegistryTest, WorkersAreCountedByTheirAddress) {
  Join(1, "10.0.0.1");
  Join(2, "10.0.0.1");
  Join(3, "10.0.0.2");
  EXPECT_EQ(workers_.CountFrom("10.0.0.1"), 2);
  EXPECT_EQ(workers_.CountFrom("10.0.0.3"), 0);
  EXPECT_EQ(workers_.AddressOf(WorkerId{3}), "10.0.0.2");
  EXPECT_EQ(workers_.AddressOf(WorkerId{9}), "");
}

TEST_F(WorkerRegistryTest, WhatAWorkerDidIsAddedUp) {
  Join(1);
  workers_.CountRuns(WorkerId{1}, 3, 1);
  workers_.CountRuns(WorkerId{1}, 2, 0);
  workers_.NoteEngineTime(WorkerId{1}, absl::Seconds(7));
  workers_.Heard(WorkerId{1}, kNow);
  workers_.CountRuns(WorkerId{9}, 1, 1);  // nobody
  workers_.Heard(WorkerId{9}, kNow);
  const WorkerInfo info = *workers_.Find(WorkerId{1});
  EXPECT_EQ(info.succeeded, 5);
  EXPECT_EQ(info.failed, 1);
  EXPECT_EQ(info.engine_time, absl::Seconds(7));
  EXPECT_EQ(info.heartbeat_time, kNow);
}

TEST_F(WorkerRegistryTest, TheOrderToMeasureIsTakenOnce) {
  Join(1);
  EXPECT_FALSE(workers_.MustCalibrate(WorkerId{1}));
  EXPECT_TRUE(workers_.Calibrate(WorkerId{1}));
  EXPECT_TRUE(workers_.MustCalibrate(WorkerId{1}));
  EXPECT_TRUE(workers_.TakeCalibrate(WorkerId{1}));
  EXPECT_FALSE(workers_.TakeCalibrate(WorkerId{1}));
  EXPECT_FALSE(workers_.MustCalibrate(WorkerId{1}));
  EXPECT_FALSE(workers_.Calibrate(WorkerId{9}));
}

}  // namespace
}  // namespace sheaf::server
