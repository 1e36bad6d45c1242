#include "server/use_cases/batch_profile.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/server/scheduling/work.h"

namespace sheaf::server {
namespace {

using ::testing::IsEmpty;
using ::testing::SizeIs;

class BatchProfileTest : public ::testing::Test {
 protected:
  BatchProfile Read() { return ReadBatchProfile(prices_, memory_, learned_); }
  // A batch of the kind took twice the predicted time.
  void Run() {
    prices_.Learn(prices_.Predict(RowsLike(BatchOf(1)), kKind),
                  absl::Milliseconds(200));
  }

  PricesBoard prices_{Flat()};
  MemoryBoard memory_;
  LearnedFigures learned_{&prices_, &memory_, {}};
};

TEST_F(BatchProfileTest, BeforeTheFirstBatchThereIsOnlyTheConfiguredProfile) {
  EXPECT_EQ(Read().configured.name, "flat");
  EXPECT_THAT(Read().works, IsEmpty());
}

TEST_F(BatchProfileTest, WorkThatRanHasItsCorrection) {
  Run();
  ASSERT_THAT(Read().works, SizeIs(1));
  EXPECT_EQ(Read().works[0].kind, kKind);
  EXPECT_EQ(Read().works[0].calibration, prices_.All().at(kKind));
}

TEST_F(BatchProfileTest, OnlyWithARecommendationThereIsALimit) {
  Run();
  EXPECT_EQ(Read().works.at(0).recommendation, "");
  EXPECT_EQ(Read().works.at(0).batch_size_max, 0);
  batching::BatchMemory held;
  held.rows = 2;
  held.peak_bytes = 400;
  memory_.Learn(kKind, 1000, held);
  EXPECT_EQ(Read().works.at(0).recommendation, learned_.Recommendation(kKind));
  EXPECT_NE(Read().works.at(0).recommendation, "");
  EXPECT_EQ(Read().works.at(0).batch_size_max, 4);
}

}  // namespace
}  // namespace sheaf::server
