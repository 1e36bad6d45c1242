#include "queue/order.h"

#include "gtest/gtest.h"

namespace sheaf {
namespace {

Run RunAt(Priority priority, int64_t ms, int64_t id) {
  Run run;
  run.priority = priority;
  run.run_time = absl::FromUnixMillis(ms);
  run.id = RunId(id);
  return run;
}

TEST(OrderTest, RunsGoByPriorityThenTimeThenId) {
  const ::sheaf::Run in_order[] = {
      RunAt(Priority::kUrgent, 9, 9), RunAt(Priority::kNormal, 1, 8),
      RunAt(Priority::kNormal, 2, 3), RunAt(Priority::kNormal, 2, 4),
      RunAt(Priority::kLow, 0, 1)};
  for (size_t i = 0; i < std::size(in_order); ++i) {
    for (size_t j = 0; j < std::size(in_order); ++j) {
      EXPECT_EQ(GoesBefore(in_order[i], in_order[j]), i < j) << i << " " << j;
    }
  }
}

TEST(OrderTest, OnlyPicturesAreMadeTogether) {
  EXPECT_TRUE(IsBatchable("inference"));
  EXPECT_TRUE(IsBatchable("batch_inference"));
  EXPECT_TRUE(IsBatchable(""));  // the usual kind, in a trace
  EXPECT_FALSE(IsBatchable("upscale"));
  EXPECT_FALSE(IsBatchable("inference2"));
}

}  // namespace
}  // namespace sheaf
