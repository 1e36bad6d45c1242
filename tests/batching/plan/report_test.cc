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
  EXPECT_EQ(report.verdict, Verdict::kNoGain);
  EXPECT_EQ(report.speedup, 1);
}

TEST(ReportTest, AMeasuredModelNeedsNoBand) {
  Profile profile = FastDevice();
  profile.measured_here = true;
  const PlanReport report = ReportOf(Loose(8), profile);
  EXPECT_EQ(report.verdict, Verdict::kExecute);
  EXPECT_GT(report.speedup, 1.5);
  EXPECT_TRUE(IsWorthExecuting(report, report.speedup * 0.99));
  EXPECT_FALSE(IsWorthExecuting(report, report.speedup * 1.01));
}

TEST(ReportTest, APlanThatTakesLongerIsNotAdvised) {
  // Filled in arrival order, each batch launches the costly control.
  std::vector<RunSpec> runs;
  for (int i = 0; i < 8; ++i) {
    runs.push_back({.job = 1 + i / 4, .time_ms = i});
    if (i >= 4) runs.back().controls["edge"] = 1;
  }
  const RowSet set = MakeRows(runs);
  Profile profile = FastDevice();
  profile.control = {500, 0, 0};
  const CostModel model(&set.shapes, profile);
  const PlanOptions options{.batch_size = 3};
  const Plan plan = MakePlan(set, model, Policy::kMixedGreedy, options);
  const PlanReport report = Report(set, model, plan, {}, {.batch_size = 4});
  EXPECT_LT(report.speedup, 1);
  EXPECT_EQ(report.verdict, Verdict::kSlower);
  EXPECT_EQ(NameOf(report.verdict), "PLAN_VERDICT_SLOWER");
}

// One clock: a model that is corrected already gives the figures that an
// uncorrected one gives with the same calibration.
TEST(ReportTest, AllTimesAreCorrectedOnce) {
  Calibration calibration;
  for (int i = 0; i < 50; ++i) calibration = Observed(calibration, 100, 40);
  const RowSet set = MakeRows(Loose(9));
  const PlanOptions options;
  const CostModel plain(&set.shapes, FastDevice());
  const CostModel corrected(&set.shapes, FastDevice(), calibration.correction);
  const Plan by_plain = MakePlan(set, plain, Policy::kBest, options);
  const Plan by_corrected = MakePlan(set, corrected, Policy::kBest, options);
  const PlanReport a = Report(set, plain, by_plain, calibration, options);
  const PlanReport b =
      Report(set, corrected, by_corrected, calibration, options);
  EXPECT_NEAR(a.plan_ms, b.plan_ms, 1e-6);
  EXPECT_NEAR(a.baseline_ms, b.baseline_ms, 1e-6);
  EXPECT_NEAR(*a.estimate.high_ms, *b.estimate.high_ms, 1e-6);
  EXPECT_NEAR(a.comparison.worst_later_ms, b.comparison.worst_later_ms, 1e-6);
  EXPECT_EQ(a.gain, b.gain);
  // The lines of batches add up to the headline.
  double sum = 0;
  for (const PlannedBatch& batch : by_corrected.batches) sum += batch.ms;
  EXPECT_NEAR(sum, b.plan_ms, 1e-6);
}

TEST(ReportTest, AQueueOfSinglesIsNothing) {
  std::vector<RunSpec> runs;
  for (int i = 0; i < 3; ++i) {
    runs.push_back({.job = i + 1, .model = "m" + std::to_string(i)});
  }
  EXPECT_TRUE(IsNothing(ReportOf(runs, FastDevice())));
  EXPECT_FALSE(IsNothing(ReportOf(Loose(2), FastDevice())));
  EXPECT_EQ(NothingToPlan(MakeRows(runs)),
            "No batchable jobs found: 3 runs of which no two go together");
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
