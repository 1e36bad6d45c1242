#include "server/wire/convert_plan.h"

#include <google/protobuf/util/json_util.h>

#include <limits>

#include "batching/plan/plan_json.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "server/wire/convert.h"
#include "tests/batching/builders.h"

namespace sheaf::server {
namespace {

using batching::PlanReport;
using testing::ElementsAre;
using testing::Pair;
using testing::UnorderedElementsAre;

PlanReport FullReport() {
  PlanReport report;
  report.plan_ms = 1250.5;
  report.estimate.low_ms = 1100;
  report.estimate.high_ms = 1500.25;
  report.baseline_ms = 4000;
  report.singles_ms = 123'456'789;
  report.gain = "2.00x (\"measured\")";
  report.profile = "shapes, 64x64";
  report.heuristic_speedup = 3.5;
  report.speedup = 3.2;
  report.verdict = batching::Verdict::kNoGain;
  report.fullest_batches = 5;
  report.fullest_ms = 1750;
  report.comparison.earlier = 7;
  report.comparison.later = int64_t{1} << 53;
  report.warnings = {{batching::Warning::kSomeLater, "some later"},
                     {batching::Warning::kTailOfOne, "a tail"}};
  report.unplanned = {{batching::Unplanned::kKind, 3},
                      {batching::Unplanned::kTooVarious, 4}};
  return report;
}

pb::Plan OnWire(const std::string& report) {
  PlanRecord record;
  record.id = PlanId{7};
  record.queue = "night";
  record.mode = std::string(batching::TextOf(batching::Mode::kMixed));
  record.report = report;
  pb::Plan plan;
  ToProto(record, &plan);
  return plan;
}

double Seconds(const google::protobuf::Duration& duration) {
  return static_cast<double>(duration.seconds()) + duration.nanos() / 1e9;
}

TEST(ConvertPlanTest, APlanSaysOnTheWireWhatItsReportSaid) {
  const pb::Plan plan = OnWire(batching::ReportJson(FullReport(), 8));
  EXPECT_EQ(plan.name(), "plans/7");
  EXPECT_EQ(plan.queue(), "queues/night");
  EXPECT_EQ(plan.mode(), pb::BATCHING_MODE_MIXED);
  EXPECT_EQ(plan.batch_size(), 8);
  EXPECT_DOUBLE_EQ(Seconds(plan.predicted().time()), 1.2505);
  EXPECT_DOUBLE_EQ(Seconds(plan.predicted().low()), 1.1);
  EXPECT_DOUBLE_EQ(Seconds(plan.predicted().high()), 1.50025);
  EXPECT_DOUBLE_EQ(Seconds(plan.baseline()), 4);
  EXPECT_DOUBLE_EQ(Seconds(plan.singles()), 123'456.789);
  EXPECT_EQ(plan.gain(), "2.00x (\"measured\")");
  EXPECT_EQ(plan.profile(), "shapes, 64x64");
  EXPECT_EQ(plan.heuristic_speedup(), 3.5);
  EXPECT_EQ(plan.speedup(), 3.2);
  EXPECT_EQ(plan.verdict(), pb::PLAN_VERDICT_NO_GAIN);
  EXPECT_EQ(plan.fullest_batch_count(), 5);
  EXPECT_DOUBLE_EQ(Seconds(plan.fullest_time()), 1.75);
  EXPECT_EQ(plan.earlier_run_count(), 7);
  EXPECT_EQ(plan.later_run_count(), int64_t{1} << 53);
  EXPECT_THAT(plan.warnings(), ElementsAre("some later", "a tail"));
  EXPECT_THAT(plan.unplanned(),
              UnorderedElementsAre(Pair("kind", 3), Pair("too_various", 4)));
}

TEST(ConvertPlanTest, EveryMemberOfTheJsonIsAFieldOfTheMessage) {
  pb::Plan plan;
  EXPECT_TRUE(google::protobuf::util::JsonStringToMessage(
                  batching::ReportJson(FullReport(), 8), &plan)
                  .ok());
}

TEST(ConvertPlanTest, AFigureThatIsNoNumberLeavesTheOthers) {
  PlanReport report = FullReport();
  report.plan_ms = std::numeric_limits<double>::quiet_NaN();
  report.baseline_ms = std::numeric_limits<double>::infinity();
  report.heuristic_speedup = std::numeric_limits<double>::infinity();
  const pb::Plan plan = OnWire(batching::ReportJson(report, 8));
  EXPECT_FALSE(plan.predicted().has_time());
  EXPECT_EQ(plan.baseline().seconds(), 315'576'000'000);
  EXPECT_EQ(plan.heuristic_speedup(), 0);
  EXPECT_EQ(plan.gain(), report.gain);
}

// Version 0.2 wrote this, with Protobuf's own writer.
TEST(ConvertPlanTest, APlanOfAnOlderServerReadsStill) {
  const pb::Plan plan = OnWire(
      R"({"batchSize":4,"predicted":{"time":"1.250s"},"baseline":"2s",)"
      R"("laterRunCount":"12","unplanned":{"alone":"1"},"gain":"1.6x"})");
  EXPECT_EQ(plan.batch_size(), 4);
  EXPECT_DOUBLE_EQ(Seconds(plan.predicted().time()), 1.25);
  EXPECT_EQ(plan.later_run_count(), 12);
  EXPECT_THAT(plan.unplanned(), ElementsAre(Pair("alone", 1)));
}

TEST(ConvertPlanTest, ABatchNamesItsControlsAndSaysWhyItEnds) {
  const batching::RowSet set = batching::MakeRows({{.job = 1}, {.job = 2}});
  const batching::CostModel model(&set.shapes, batching::FastDevice());
  const batching::Plan plan =
      batching::MakePlan(set, model, batching::Policy::kBest, {});
  ASSERT_FALSE(plan.batches.empty());
  PlanBatch batch;
  batch.plan = PlanId{7};
  batch.number = 2;
  batch.runs = {RunId{JobId{1}, 0}, RunId{JobId{2}, 0}, RunId{JobId{1}, 1}};
  batch.info = batching::BatchJson(set, plan, plan.batches[0]);
  pb::PlanBatch out;
  ToProto(batch, &out);
  EXPECT_EQ(out.name(), "plans/7/batches/2");
  EXPECT_EQ(out.reason(), batching::TextOf(plan.batches[0].end));
  EXPECT_EQ(out.control_types_size(),
            static_cast<int>(
                batching::ControlTypes(set, plan, plan.batches[0]).size()));
  EXPECT_EQ(out.runs_size(), 3);
  EXPECT_THAT(out.jobs(), ElementsAre("jobs/1", "jobs/2"));
}

}  // namespace
}  // namespace sheaf::server
