#include "batching/plan/report.h"

#include <algorithm>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/batching/builders.h"

namespace sheaf::batching {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::Not;

PlanReport ReportOf(const std::vector<RunSpec>& runs, const Profile& profile,
                    const PlanOptions& options = {},
                    const Calibration& calibration = {}) {
  const RowSet set = MakeRows(runs);
  const CostModel model(&set.shapes, profile);
  const Plan plan = MakePlan(set, model, Policy::kBest, options);
  return Report(set, model, plan, calibration, options);
}

std::vector<Warning> WarningsOf(const PlanReport& report) {
  std::vector<Warning> warnings;
  for (const auto& warning : report.warnings) {
    warnings.push_back(warning.warning);
  }
  return warnings;
}

std::vector<RunSpec> Loose(int jobs) {
  std::vector<RunSpec> runs;
  for (int i = 1; i <= jobs; ++i) runs.push_back({.job = i, .time_ms = i});
  return runs;
}

TEST(ReportTest, CountsAndCostsAreThoseOfThePlan) {
  const PlanReport report = ReportOf(Loose(8), FastDevice());
  EXPECT_EQ(report.runs, 8);
  EXPECT_EQ(report.jobs, 8);
  EXPECT_EQ(report.batches, 2);
  EXPECT_EQ(report.baseline_ms, report.singles_ms);
  EXPECT_LT(report.plan_ms, report.baseline_ms);
  EXPECT_LE(report.bound_ms, report.plan_ms);
  EXPECT_DOUBLE_EQ(report.heuristic_speedup, 4);
  EXPECT_THAT(report.gain, HasSubstr("(uncalibrated: by the profile fast)"));
  EXPECT_THAT(WarningsOf(report), Contains(Warning::kUncalibrated));
  EXPECT_EQ(report.comparison.earlier + report.comparison.later +
                report.comparison.same,
            8);
}

TEST(ReportTest, ACalibratedPlanHasABand) {
  Calibration calibration;
  for (int i = 0; i < 50; ++i) {
    calibration = Observed(calibration, 100, 115 + i % 10);
  }
  const PlanReport report = ReportOf(Loose(8), FastDevice(), {}, calibration);
  EXPECT_THAT(WarningsOf(report), Not(Contains(Warning::kUncalibrated)));
  EXPECT_LT(*report.estimate.low_ms, report.plan_ms);
  EXPECT_GT(*report.estimate.high_ms, report.plan_ms);
  const double surely = report.baseline_ms / *report.estimate.high_ms;
  EXPECT_TRUE(IsWorthExecuting(report, surely * 0.99));
  EXPECT_FALSE(IsWorthExecuting(report, surely * 1.01));
  // Without a band, no plan is executed unasked.
  EXPECT_FALSE(IsWorthExecuting(ReportOf(Loose(8), FastDevice()), 1.0));
}

TEST(ReportTest, OneJobThatFillsItsBatchesGainsNothing) {
  const PlanReport report = ReportOf(std::vector<RunSpec>(4), FastDevice());
  EXPECT_THAT(WarningsOf(report), Contains(Warning::kNoGain));
}

TEST(ReportTest, WhoEndsLaterAndWhoGoesAloneIsSaid) {
  std::vector<RunSpec> runs = Loose(4);
  runs.push_back({.job = 9, .model = "anime", .time_ms = 9});
  const PlanReport report = ReportOf(runs, SlowDevice());
  EXPECT_THAT(WarningsOf(report), Contains(Warning::kTailOfOne));
  // The first run now shares a batch, and so ends later.
  EXPECT_THAT(WarningsOf(report), Contains(Warning::kSomeLater));
  EXPECT_EQ(report.alone, 1);
}

TEST(ReportTest, DeadlinesThatWillBeMissedAreSaid) {
  std::vector<RunSpec> runs = Loose(4);
  for (int i = 0; i < 3; ++i) {
    runs.push_back(
        {.job = 9 + i, .model = "m" + std::to_string(i), .deadline_ms = 10});
  }
  const PlanReport report = ReportOf(runs, FastDevice());
  EXPECT_THAT(WarningsOf(report), Contains(Warning::kDeadlines));
}

TEST(ReportTest, MixedRulesThatCostMoreAreSaid) {
  // With chunks by arrival, the mixed rule launches the control for every
  // batch.
  std::vector<RunSpec> runs;
  for (int i = 0; i < 8; ++i) {
    RunSpec run = {.job = i + 1, .time_ms = i};
    if (i % 2 == 0) run.controls["edge"] = 1;
    runs.push_back(run);
  }
  const RowSet set = MakeRows(runs);
  Profile profile = FastDevice();
  profile.control = {200, 0, 0};
  const CostModel model(&set.shapes, profile);
  for (const bool greedy : {true, false}) {
    const Plan plan = MakeBestPlan(
        set, model, RulesFor(Mode::kBest, greedy, Signature::kMinimal), {});
    const auto warnings = WarningsOf(Report(set, model, plan, {}, {}));
    // With optimal cuts, the mixed rule may do as the strict one does.
    EXPECT_EQ(
        std::count(warnings.begin(), warnings.end(), Warning::kMixedSlower),
        greedy ? 1 : 0);
  }
}

TEST(ReportTest, AnEmptyQueueSaysWhyNothingIsPlanned) {
  EXPECT_EQ(NothingToPlan(MakeRows({})),
            "No batchable jobs found: nothing waits");
  EXPECT_EQ(NothingToPlan(MakeRows({{.kind = "upscale"}})),
            "No batchable jobs found: 1 run of kinds that are not batched");
}

}  // namespace
}  // namespace sheaf::batching
