#include "base/backoff.h"

#include "gtest/gtest.h"

namespace sheaf {
namespace {

constexpr absl::Duration kFirst = absl::Milliseconds(100);
constexpr absl::Duration kLongest = absl::Seconds(1);

TEST(BackoffTest, EachFailureDoublesTheWaitUpToTheLongest) {
  EXPECT_EQ(WaitAfter(1, kFirst, kLongest), kFirst);
  EXPECT_EQ(WaitAfter(2, kFirst, kLongest), 2 * kFirst);
  EXPECT_EQ(WaitAfter(4, kFirst, kLongest), 8 * kFirst);
  EXPECT_EQ(WaitAfter(5, kFirst, kLongest), kLongest);
  EXPECT_EQ(WaitAfter(2'000'000'000, kFirst, kLongest), kLongest);
}

TEST(BackoffTest, AFirstWaitAboveTheLongestIsTheLongest) {
  EXPECT_EQ(WaitAfter(1, 2 * kLongest, kLongest), kLongest);
}

TEST(BackoffTest, WaitsLieInTheUpperHalfAndASuccessStartsThemAgain) {
  Backoff backoff(kFirst, kLongest);
  for (int failures = 1; failures <= 20; ++failures) {
    const absl::Duration wait = backoff.Next();
    const absl::Duration whole = WaitAfter(failures, kFirst, kLongest);
    EXPECT_GE(wait, whole / 2) << failures;
    EXPECT_LE(wait, whole) << failures;
  }
  backoff.Reset();
  EXPECT_LE(backoff.Next(), kFirst);
}

}  // namespace
}  // namespace sheaf
