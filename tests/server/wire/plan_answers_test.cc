#include "server/wire/plan_answers.h"

#include <map>
#include <string>

#include "batching/pricing/profile.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "server/wire/convert.h"
#include "server/wire/page_token.h"

namespace sheaf::server {
namespace {

using ::testing::ElementsAre;
using ::testing::Pair;
using ::testing::SizeIs;

PlanRecord PlanOf(int64_t jobs, int64_t batches) {
  PlanRecord plan;
  plan.id = PlanId{7};
  plan.queue = "night";
  plan.state = PlanState::kReady;
  plan.job_count = jobs;
  plan.batch_count = batches;
  return plan;
}

TEST(PlanAnswersTest, AnAnalysisMayHaveNoPlan) {
  PlanService::Analysis analysis{.message = "nothing waits"};
  pb::AnalyzeQueueResponse without;
  ToProto(analysis, &without);
  EXPECT_EQ(without.message(), "nothing waits");
  EXPECT_FALSE(without.has_plan());
  analysis.plan = PlanOf(3, 2);
  pb::AnalyzeQueueResponse with;
  ToProto(analysis, &with);
  EXPECT_EQ(with.plan().name(), "plans/7");
}

TEST(PlanAnswersTest, APlanShowsHowItsBatchesWent) {
  pb::Plan plan;
  ToProto(PlanWithTimes{.plan = PlanOf(3, 2),
                        .times = {.batches = 1,
                                  .predicted = absl::Seconds(4),
                                  .actual = absl::Seconds(5)}},
          &plan);
  EXPECT_EQ(plan.name(), "plans/7");
  EXPECT_EQ(plan.measured_batch_count(), 1);
  EXPECT_EQ(FromProto(plan.measured_predicted()), absl::Seconds(4));
  EXPECT_EQ(FromProto(plan.measured_actual()), absl::Seconds(5));
}

TEST(PlanAnswersTest, OneBatchOfOneJobIsCountedAsOne) {
  pb::ExecutePlanResponse one;
  ToProto(Executed{.plan = PlanOf(1, 1), .replayed = true}, &one);
  EXPECT_EQ(one.message(), "Queue reorganized successfully. 1 job → 1 batch");
  EXPECT_TRUE(one.replayed());
  pb::ExecutePlanResponse many;
  ToProto(Executed{.plan = PlanOf(20, 4)}, &many);
  EXPECT_EQ(many.message(),
            "Queue reorganized successfully. 20 jobs → 4 batches");
  EXPECT_FALSE(many.replayed());
}

TEST(PlanAnswersTest, ABatchOfAPlanShowsTheWeightsOfEachRun) {
  batching::PlanBatchPage page;
  page.batches.resize(1);
  page.batches[0].batch.plan = PlanId{7};
  page.batches[0].batch.number = 2;
  page.batches[0].batch.runs = {RunId(JobId{1}, 0), RunId(JobId{1}, 1)};
  page.batches[0].weights = {{{"depth", 0.5}}, {{"depth", 0}}};
  page.next = 2;
  pb::ListPlanBatchesResponse response;
  ToProto(page, "plans/7", &response);
  ASSERT_THAT(response.batches(), SizeIs(1));
  ASSERT_EQ(response.batches(0).weights_list_size(), 2);
  EXPECT_THAT(response.batches(0).weights_list(0).weights(),
              ElementsAre(Pair("depth", 0.5)));
  EXPECT_THAT(response.batches(0).weights_list(1).weights(),
              ElementsAre(Pair("depth", 0)));
  EXPECT_EQ(PageBegin("plans/7", response.next_page_token()).value(), 2);
}

TEST(PlanAnswersTest, TheLastPageOfAListNamesNoOther) {
  PlanPage page;
  page.plans = {PlanOf(1, 1)};
  pb::ListPlansResponse last;
  ToProto(page, "all", &last);
  EXPECT_THAT(last.plans(), SizeIs(1));
  EXPECT_EQ(last.next_page_token(), "");
  page.next = PlanId{7};
  pb::ListPlansResponse first;
  ToProto(page, "all", &first);
  EXPECT_EQ(PageBegin("all", first.next_page_token()).value(), 7);
}

TEST(PlanAnswersTest, AnExplanationNamesEachDifference) {
  batching::Explanation explanation;
  explanation.strict = false;
  explanation.differences = {
      {.field = "steps", .a = "20", .b = "30", .blocks_strict = true}};
  pb::ExplainRunResponse response;
  ToProto(explanation, &response);
  EXPECT_FALSE(response.strict());
  EXPECT_TRUE(response.mixed());
  EXPECT_EQ(response.text(), explanation.Text());
  ASSERT_THAT(response.differences(), SizeIs(1));
  EXPECT_EQ(response.differences(0).field(), "steps");
  EXPECT_EQ(response.differences(0).value(), "20");
  EXPECT_EQ(response.differences(0).other_value(), "30");
  EXPECT_TRUE(response.differences(0).blocks_strict());
  EXPECT_FALSE(response.differences(0).blocks_mixed());
}

TEST(PlanAnswersTest, AProfileShowsEachKindOfWorkThatRan) {
  BatchProfile profile;
  profile.configured.name = "rtx";
  profile.configured.step = {10, 0, 0};
  profile.works = {{.kind = {"gpu", "m", 64, 32},
                    .recommendation = "4 fits",
                    .batch_size_max = 4}};
  pb::BatchProfile out;
  ToProto(profile, &out);
  EXPECT_EQ(out.name(), "rtx");
  EXPECT_EQ(
      batching::ParseProfiles(out.json()).value(),
      (std::map<std::string, batching::Profile>{{"rtx", profile.configured}}));
  ASSERT_THAT(out.calibrations(), SizeIs(1));
  EXPECT_EQ(out.calibrations(0).model(), "m");
  EXPECT_EQ(out.calibrations(0).recommendation(), "4 fits");
  EXPECT_EQ(out.calibrations(0).batch_size_max(), 4);
}

}  // namespace
}  // namespace sheaf::server
