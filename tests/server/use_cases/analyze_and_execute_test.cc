#include "server/use_cases/analyze_and_execute.h"

#include <optional>
#include <string>
#include <utility>

#include "absl/synchronization/notification.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "queue/queues.h"
#include "tests/batching/builders.h"
#include "tests/queue/builders.h"
#include "tests/queue/stores.h"

namespace sheaf::server {
namespace {

using ::testing::HasSubstr;

class AnalyzeAndExecuteTest : public ::testing::Test {
 protected:
  AnalyzeAndExecuteTest() {
    Write(*store_, [](Tx& tx) { return EnsureDefaultQueue(tx), true; });
  }

  void Submit(int jobs) {
    for (int i = 0; i < jobs; ++i) {
      ASSERT_TRUE(Write(*store_, [&](Tx& tx) {
                    return sheaf::Submit(tx, MakeJob({}));
                  }).ok());
    }
  }
  absl::StatusOr<AnalyzedAndExecuted> Try(ExecuteIfWorthIt request) {
    if (request.question.queue.empty()) request.question.queue = kDefaultQueue;
    std::optional<absl::StatusOr<AnalyzedAndExecuted>> answer;
    absl::Notification done;
    AnalyzeAndExecute(&plans_, store_.get(), std::move(request),
                      [&](absl::StatusOr<AnalyzedAndExecuted> got) {
                        answer = std::move(got);
                        done.Notify();
                      });
    done.WaitForNotification();
    return *std::move(answer);
  }
  PlanId ActivePlan() {
    return Read(*store_,
                [](View& view) { return view.FindQueue(kDefaultQueue)->plan; });
  }

  TestClock clock_;
  std::unique_ptr<Store> store_ = NewMemoryStore(&clock_);
  PricesBoard prices_{batching::FastDevice()};
  MemoryBoard memory_;
  WorkerRegistry workers_;
  PlanService plans_{store_.get(), &prices_, &memory_, &workers_,
                     [] { return std::nullopt; }};
};

TEST_F(AnalyzeAndExecuteTest, APlanThatGainsEnoughIsExecutedWithoutAPause) {
  Submit(8);
  const auto done = Try({.speedup_min = 1.2});
  ASSERT_TRUE(done.ok()) << done.status();
  EXPECT_TRUE(done->executed);
  EXPECT_EQ(done->message,
            "Queue reorganized successfully. 8 jobs → 2 batches");
  EXPECT_EQ(ActivePlan(), done->plan->id);
}

TEST_F(AnalyzeAndExecuteTest, APlanThatGainsTooLittleIsLeft) {
  Submit(8);
  const auto done = Try({.speedup_min = 100});
  ASSERT_TRUE(done.ok()) << done.status();
  EXPECT_FALSE(done->executed);
  EXPECT_THAT(done->message, HasSubstr("not executed: its speedup of"));
  EXPECT_THAT(done->message, HasSubstr("is below 100.00x"));
  ASSERT_TRUE(done->plan.has_value());
  EXPECT_FALSE(ActivePlan());
}

TEST_F(AnalyzeAndExecuteTest, NothingToBatchIsNoFault) {
  const auto done = Try({});
  ASSERT_TRUE(done.ok()) << done.status();
  EXPECT_FALSE(done->plan.has_value());
  EXPECT_THAT(done->message, HasSubstr("No batchable jobs found"));
}

TEST_F(AnalyzeAndExecuteTest, ARepeatedRequestExecutesOnce) {
  Submit(8);
  const auto first = Try({.request_id = "r1"});
  ASSERT_TRUE(first.ok() && first->executed);
  Submit(4);
  const auto second = Try({.request_id = "r1"});
  ASSERT_TRUE(second.ok()) << second.status();
  EXPECT_TRUE(second->executed);
  EXPECT_EQ(second->plan->id, first->plan->id);
  EXPECT_EQ(second->message, first->message);
  const auto other = Try({.request_id = "r2"});
  EXPECT_NE(other->plan->id, first->plan->id);
}

TEST_F(AnalyzeAndExecuteTest, AQueueThatIsNotThereIsSaidSo) {
  EXPECT_EQ(ReasonOf(Try({.question = {.queue = "elsewhere"}}).status()),
            Reason::kQueueNotFound);
}

}  // namespace
}  // namespace sheaf::server
