#include "server/admission/byte_budget.h"

#include "gtest/gtest.h"
#include "queue/error.h"

namespace sheaf::server {
namespace {

constexpr int64_t kMiB = 1 << 20;

TEST(ByteBudgetTest, WhatIsHeldIsGivenBack) {
  ByteBudget budget(10 * kMiB, 20 * kMiB);
  {
    const auto first = budget.Take(12 * kMiB);
    ASSERT_TRUE(first.ok());
    const absl::Status refused = budget.Take(12 * kMiB).status();
    EXPECT_EQ(ReasonOf(refused), Reason::kOverloaded);
    EXPECT_TRUE(RetryAfterOf(refused).has_value());
    EXPECT_TRUE(budget.Take(8 * kMiB).ok());
  }
  EXPECT_TRUE(budget.Take(12 * kMiB).ok());
}

TEST(ByteBudgetTest, SmallCallsAreNotRefusedForLargeOnes) {
  ByteBudget budget(2 * kMiB, 20 * kMiB);
  const auto large = budget.Take(20 * kMiB);
  const auto first = budget.Take(kMiB);
  const auto second = budget.Take(kMiB);
  EXPECT_TRUE(large.ok() && first.ok() && second.ok());
  EXPECT_FALSE(budget.Take(1).ok());
}

TEST(ByteBudgetTest, CallThatIsAloneIsLetIn) {
  ByteBudget budget(kMiB, 20 * kMiB);
  EXPECT_TRUE(budget.Take(100 * kMiB).ok());
}

TEST(ByteBudgetTest, HoldIsResizedAndMoved) {
  ByteBudget budget(kMiB, 20 * kMiB);
  auto hold = budget.Take(20 * kMiB);
  ASSERT_TRUE(hold.ok());
  hold->Resize(2 * kMiB);
  EXPECT_TRUE(budget.Take(18 * kMiB).ok());
  ByteBudget::Hold other = *std::move(hold);
  EXPECT_FALSE(budget.Take(19 * kMiB).ok());
  other = ByteBudget::Hold();
  EXPECT_TRUE(budget.Take(19 * kMiB).ok());
}

}  // namespace
}  // namespace sheaf::server
