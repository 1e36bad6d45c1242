#include "server/scheduling/arrivals.h"

#include "gtest/gtest.h"

namespace sheaf::server {
namespace {

const absl::Time kNow = absl::FromUnixSeconds(1'000'000);

class ArrivalsTest : public ::testing::Test {
 protected:
  ArrivalsTest() {
    lane_.queue = "default";
    lane_.kind = "inference";
    lane_.owner = "ann";
    lane_.model = "m";
  }
  void Come(int64_t added, absl::Time now, int64_t back = 0) {
    Committed committed;
    committed.ready.push_back({lane_, added + back, added});
    arrivals_.NoteCommit(committed, now);
  }

  Lane lane_;
  Arrivals arrivals_;
};

TEST_F(ArrivalsTest, NobodyComesUntilSomebodyHas) {
  EXPECT_EQ(arrivals_.PerSecond(lane_, kNow), 0);
}

TEST_F(ArrivalsTest, RunsAreCountedOverTheTimeSinceTheFirst) {
  for (int i = 0; i < 6; ++i) Come(4, kNow + i * absl::Seconds(1));
  EXPECT_EQ(arrivals_.PerSecond(lane_, kNow + absl::Seconds(10)), 2);
}

TEST_F(ArrivalsTest, ABurstIsSpreadOverASecond) {
  for (int i = 0; i < 21; ++i) Come(1, kNow);
  EXPECT_EQ(arrivals_.PerSecond(lane_, kNow + absl::Milliseconds(1)), 20);
}

TEST_F(ArrivalsTest, WhoComesAloneGivesNoHopeOfOthers) {
  Come(1, kNow);
  EXPECT_EQ(arrivals_.PerSecond(lane_, kNow), 0);
  EXPECT_EQ(arrivals_.PerSecond(lane_, kNow + absl::Seconds(2)), 0);
}

TEST_F(ArrivalsTest, HopeEndsAfterThreeOfTheirPauses) {
  EXPECT_EQ(arrivals_.ExpectedBy(lane_, kNow), absl::InfinitePast());
  Come(1, kNow);
  EXPECT_EQ(arrivals_.ExpectedBy(lane_, kNow), absl::InfinitePast());
  Come(1, kNow + absl::Seconds(2));
  Come(1, kNow + absl::Seconds(4));
  EXPECT_EQ(arrivals_.ExpectedBy(lane_, kNow + absl::Seconds(5)),
            kNow + absl::Seconds(10));
  // Two that come together give a moment's hope.
  lane_.width = 512;
  Come(1, kNow);
  Come(1, kNow);
  EXPECT_EQ(arrivals_.ExpectedBy(lane_, kNow), kNow + absl::Milliseconds(100));
}

TEST_F(ArrivalsTest, RunsThatComeBackAreNotNew) {
  Come(0, kNow, 7);
  EXPECT_EQ(arrivals_.PerSecond(lane_, kNow + absl::Seconds(1)), 0);
}

TEST_F(ArrivalsTest, AfterHalfAMinuteTheyNoLongerCount) {
  Come(5, kNow);
  Come(1, kNow + absl::Seconds(20));
  Come(1, kNow + absl::Seconds(30));
  EXPECT_EQ(arrivals_.PerSecond(lane_, kNow + absl::Seconds(40)), 1.0 / 20);
  EXPECT_EQ(arrivals_.PerSecond(lane_, kNow + absl::Minutes(1)), 0);
}

TEST_F(ArrivalsTest, OwnersOfAlikeLanesCountTogetherAndOtherLanesDoNot) {
  Come(3, kNow);
  lane_.owner = "bob";
  Come(2, kNow);
  EXPECT_EQ(arrivals_.PerSecond(lane_, kNow + absl::Seconds(1)), 2);
  lane_.width = 512;
  EXPECT_EQ(arrivals_.PerSecond(lane_, kNow + absl::Seconds(1)), 0);
}

}  // namespace
}  // namespace sheaf::server
