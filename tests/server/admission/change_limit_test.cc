#include "server/admission/change_limit.h"

#include "gtest/gtest.h"
#include "queue/error.h"

namespace sheaf::server {
namespace {

class ChangeLimitTest : public testing::Test {
 protected:
  int TakeMany(const std::string& address, int count) {
    int taken = 0;
    for (int i = 0; i < count; ++i) {
      taken += limit_.Take({address, address + ":1"}).ok() ? 1 : 0;
    }
    return taken;
  }
  void Advance(std::chrono::milliseconds by) { now_ += by; }

  std::chrono::steady_clock::time_point now_;
  ChangeLimit limit_{5, [this] { return now_; }};
};

TEST_F(ChangeLimitTest, AddressTakesTenSecondsWorthAtOnceAndNotOneMore) {
  EXPECT_EQ(TakeMany("10.0.0.1", 60), 50);
  const absl::Status refused = limit_.Take({"10.0.0.1", "10.0.0.1:1"});
  EXPECT_EQ(ReasonOf(refused), Reason::kOverloaded);
  EXPECT_EQ(RetryAfterOf(refused), absl::Seconds(1));
}

TEST_F(ChangeLimitTest, BucketFillsAsTimeGoes) {
  TakeMany("10.0.0.1", 50);
  Advance(std::chrono::milliseconds(1000));
  EXPECT_EQ(TakeMany("10.0.0.1", 60), 5);
  Advance(std::chrono::hours(1));
  EXPECT_EQ(TakeMany("10.0.0.1", 60), 50);
}

TEST_F(ChangeLimitTest, OneAddressDoesNotUseUpAnothers) {
  TakeMany("10.0.0.1", 60);
  EXPECT_TRUE(limit_.Take({"10.0.0.2", "10.0.0.2:1"}).ok());
}

TEST_F(ChangeLimitTest, FloodOfOneConnectionLeavesQuietOnesAReserve) {
  TakeMany("10.0.0.1", 60);
  EXPECT_TRUE(limit_.Take({"10.0.0.1", "10.0.0.1:2"}).ok());
  // The reserve has a bound, however many connections come.
  int taken = 0;
  for (int i = 0; i < 100; ++i) {
    taken += limit_.Take({"10.0.0.1", std::to_string(i)}).ok() ? 1 : 0;
  }
  EXPECT_EQ(taken, 24);
}

TEST_F(ChangeLimitTest, ManyAddressesAreForgottenOnceTheyAreQuiet) {
  TakeMany("10.0.0.1", 60);
  for (int i = 0; i < 5000; ++i) {
    EXPECT_TRUE(limit_.Take({std::to_string(i), "a"}).ok());
    Advance(std::chrono::milliseconds(1));
  }
}

TEST(ChangeLimitOffTest, NoLimitIsNone) {
  ChangeLimit limit(0);
  for (int i = 0; i < 1000; ++i) EXPECT_TRUE(limit.Take({"a", "b"}).ok());
}

}  // namespace
}  // namespace sheaf::server
