#include "batching/plan/plan_page.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "queue/plans.h"
#include "queue/queues.h"
#include "queue/submit.h"
#include "tests/queue/memory_store.h"
#include "tests/queue/stores.h"

namespace sheaf::batching {
namespace {

using ::testing::ElementsAre;
using ::testing::Pair;
using ::testing::SizeIs;

class PlanPageTest : public ::testing::Test {
 protected:
  // A plan of `batches`, all of them of two runs: one with the control "depth",
  // the other with "pose".
  PlanId PlanOf(int batches) {
    return sheaf::Write(store_, [&](Tx& tx) {
      EnsureDefaultQueue(tx);
      PlanRecord plan;
      plan.queue = "default";
      plan = BeginPlan(tx, plan);
      std::vector<PlanBatch> all;
      for (int i = 0; i < batches; ++i) {
        NewJob job;
        job.runs.resize(2);
        job.runs[0].weights["depth"] = 0.5;
        job.runs[1].weights["pose"] = 1.5;
        const JobId id = Submit(tx, Prepare(job, 1).value()).value().job.id;
        all.push_back({.number = i + 1, .runs = {RunId(id, 0), RunId(id, 1)}});
      }
      EXPECT_TRUE(AddToPlan(tx, plan.id, all).ok());
      return SealPlan(tx, plan.id).value().id;
    });
  }
  absl::StatusOr<PlanBatchPage> List(PlanId plan, int64_t after, int limit,
                                     int64_t bytes_max = 1 << 20) {
    return sheaf::Read(store_, [&](View& view) {
      return ListPlanBatches(view, plan, after, limit, bytes_max);
    });
  }

  TestClock clock_;
  MemoryStore store_{&clock_};
};

TEST_F(PlanPageTest, EachRunHasAWeightForEveryControlOfItsBatch) {
  const auto page = List(PlanOf(1), 0, 10);
  ASSERT_TRUE(page.ok()) << page.status();
  ASSERT_THAT(page->batches, SizeIs(1));
  EXPECT_THAT(page->batches[0].weights,
              ElementsAre(ElementsAre(Pair("depth", 0.5), Pair("pose", 0)),
                          ElementsAre(Pair("depth", 0), Pair("pose", 1.5))));
  EXPECT_EQ(page->next, std::nullopt);
}

TEST_F(PlanPageTest, APageGoesOnAfterTheLast) {
  const PlanId plan = PlanOf(5);
  const auto first = List(plan, 0, 2);
  ASSERT_THAT(first->batches, SizeIs(2));
  ASSERT_EQ(first->next, 2);
  const auto second = List(plan, *first->next, 10);
  ASSERT_THAT(second->batches, SizeIs(3));
  EXPECT_EQ(second->batches[0].batch.number, 3);
  EXPECT_EQ(second->next, std::nullopt);
}

TEST_F(PlanPageTest, APageEndsAtItsBytesButHasOneBatch) {
  const auto page = List(PlanOf(3), 0, 10, /*bytes_max=*/1);
  EXPECT_THAT(page->batches, SizeIs(1));
  EXPECT_EQ(page->next, 1);
}

TEST_F(PlanPageTest, APlanThatIsNotThereIsAnError) {
  EXPECT_EQ(ReasonOf(List(PlanId{7}, 0, 10).status()), Reason::kPlanNotFound);
}

}  // namespace
}  // namespace sheaf::batching
