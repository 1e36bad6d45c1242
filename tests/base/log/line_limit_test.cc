#include "base/log/line_limit.h"

#include "gtest/gtest.h"

namespace sheaf {
namespace {

const absl::Time kNow = absl::FromUnixSeconds(1'700'000'000);

TEST(LineLimitTest, OneLineOfAKindPassesInASecondAndTheNextCountsTheOthers) {
  LineLimit limit;
  EXPECT_EQ(limit.Take("disk full", kNow), 0);
  for (int i = 1; i <= 5; ++i) {
    EXPECT_EQ(limit.Take("disk full", kNow + absl::Milliseconds(i * 100)),
              std::nullopt);
  }
  EXPECT_EQ(limit.Take("disk full", kNow + absl::Seconds(1)), 5);
  EXPECT_EQ(limit.Take("disk full", kNow + absl::Seconds(2)), 0);
}

TEST(LineLimitTest, AKindDoesNotSilenceAnother) {
  LineLimit limit;
  EXPECT_EQ(limit.Take("disk full", kNow), 0);
  EXPECT_EQ(limit.Take("backup failed", kNow), 0);
}

TEST(LineLimitTest, KindsAboveTheMostCountAsOne) {
  LineLimit limit(absl::Seconds(1), /*kinds_max=*/2);
  EXPECT_EQ(limit.Take("a", kNow), 0);
  EXPECT_EQ(limit.Take("b", kNow), 0);
  EXPECT_EQ(limit.Take("c", kNow), 0);
  EXPECT_EQ(limit.Take("d", kNow), std::nullopt);
  EXPECT_EQ(limit.Take("b", kNow + absl::Seconds(1)), 0);
}

TEST(LineLimitTest, AClockThatIsSetBackDoesNotSilenceTheLog) {
  LineLimit limit;
  EXPECT_EQ(limit.Take("a", kNow), 0);
  EXPECT_EQ(limit.Take("a", kNow - absl::Hours(1)), 0);
}

}  // namespace
}  // namespace sheaf
