#include "server/blobs/artifact_budget.h"

#include "gtest/gtest.h"
#include "queue/error.h"

namespace sheaf::server {
namespace {

constexpr int64_t kGiB = int64_t{1} << 30;

class ArtifactBudgetTest : public ::testing::Test {
 protected:
  ArtifactBudget Make(int64_t total_max) {
    return ArtifactBudget(total_max, [this] { return space_; });
  }
  DiskSpace space_{.size = 1000 * kGiB, .free = 500 * kGiB};
};

TEST_F(ArtifactBudgetTest, StoredAndComingBytesAreBoundedTogether) {
  ArtifactBudget budget = Make(20'000);
  budget.Add(2, 1000);
  EXPECT_EQ(budget.taken(), 2 * 4096 + 1000);
  ArtifactBudget::Share share(&budget);
  EXPECT_TRUE(share.Grow(5000).ok());
  EXPECT_TRUE(share.Grow(5000).ok());
  ArtifactBudget::Share other(&budget);
  EXPECT_EQ(ReasonOf(other.Grow(1000)), Reason::kArtifactsFull);
  EXPECT_TRUE(other.Grow(800).ok());
}

TEST_F(ArtifactBudgetTest, ShareIsGivenBackOnce) {
  ArtifactBudget budget = Make(0);
  {
    ArtifactBudget::Share first(&budget);
    EXPECT_TRUE(first.Grow(700).ok());
    ArtifactBudget::Share second = std::move(first);
    EXPECT_EQ(budget.taken(), 700);
    second = ArtifactBudget::Share(&budget);
    EXPECT_EQ(budget.taken(), 0);
    EXPECT_TRUE(second.Grow(7).ok());
  }
  EXPECT_EQ(budget.taken(), 0);
}

TEST_F(ArtifactBudgetTest, LastGigabyteOfALargeDiskIsLeftAlone) {
  ArtifactBudget budget = Make(0);
  ArtifactBudget::Share share(&budget);
  space_.free = kGiB + 1000;
  EXPECT_TRUE(share.Grow(1000).ok());
  EXPECT_EQ(ReasonOf(share.Grow(1001)), Reason::kArtifactsFull);
}

TEST_F(ArtifactBudgetTest, LastTwentiethOfASmallDiskIsLeftAlone) {
  ArtifactBudget budget = Make(0);
  ArtifactBudget::Share share(&budget);
  space_ = {.size = 100'000, .free = 5500};
  EXPECT_TRUE(share.Grow(500).ok());
  EXPECT_EQ(ReasonOf(share.Grow(501)), Reason::kArtifactsFull);
}

TEST_F(ArtifactBudgetTest, DiskThatTellsNothingRefusesNothing) {
  space_ = {};
  ArtifactBudget budget = Make(0);
  ArtifactBudget::Share share(&budget);
  EXPECT_TRUE(share.Grow(kGiB).ok());
  EXPECT_EQ(SpaceAt("/nowhere/at/all").size, 0);
  EXPECT_GT(SpaceAt("/").size, 0);
}

}  // namespace
}  // namespace sheaf::server
