// `sheaf batch analyze`, against a server in this process.
#include <gmock/gmock.h>

#include "base/json.h"
#include "cli/support/errors.h"
#include "tests/cli/fake_batching.h"
#include "tests/cli/wire_fixture.h"

namespace sheaf::cli {
namespace {

using testing::AllOf;
using testing::EndsWith;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

class AnalyzeTest : public WireTest {
 protected:
  // A plan of two batches.
  void SetPlan(double speedup, v1::PlanVerdict verdict) {
    v1::Plan plan;
    plan.set_name("plans/7");
    plan.set_text("3 runs from 2 jobs\n");
    plan.set_speedup(speedup);
    plan.set_verdict(verdict);
    std::vector<v1::PlanBatch> batches(2);
    batches[0].set_name("plans/7/batches/1");
    batches[0].add_runs("jobs/1/runs/0");
    batches[1].set_name("plans/7/batches/2");
    server_.batching().SetPlan(plan, batches);
  }
};

TEST_F(AnalyzeTest, APlanThatGainsNamesTheCommandThatExecutesIt) {
  SetPlan(1.5, v1::PLAN_VERDICT_EXECUTE);
  const RunResult result = Cli({"batch", "analyze"});
  EXPECT_EQ(result.exit, kExitOk) << result.err;
  EXPECT_EQ(result.out, "3 runs from 2 jobs\n");
  EXPECT_EQ(result.err, "To execute it: sheaf batch execute plans/7\n");
}

TEST_F(AnalyzeTest, APlanThatGainsNothingSaysWhyItIsNotForExecution) {
  SetPlan(1.001, v1::PLAN_VERDICT_NO_GAIN);
  EXPECT_THAT(
      Cli({"batch", "analyze"}).err,
      AllOf(HasSubstr("next to nothing (1.00x)"), Not(HasSubstr("execute p"))));
  SetPlan(0.88, v1::PLAN_VERDICT_SLOWER);
  EXPECT_THAT(Cli({"batch", "analyze"}).err,
              AllOf(HasSubstr("takes longer"), HasSubstr("(0.88x)"),
                    Not(HasSubstr("execute p"))));
}

TEST_F(AnalyzeTest, NothingToBatchIsSaidAlsoToTheQuietAndExitsNine) {
  const RunResult result = Cli({"batch", "analyze", "-q"});
  EXPECT_EQ(result.exit, kExitNothing);
  EXPECT_EQ(result.out, "No batchable jobs found: the queue is empty.\n");
  EXPECT_THAT(result.err, IsEmpty());
  const RunResult json = Cli({"batch", "analyze", "-o", "json"});
  EXPECT_EQ(json.exit, kExitNothing);
  EXPECT_THAT(json.out, HasSubstr("No batchable jobs found"));
  EXPECT_THAT(json.err, IsEmpty());
}

TEST_F(AnalyzeTest, JsonCarriesAllBatches) {
  SetPlan(1.5, v1::PLAN_VERDICT_EXECUTE);
  for (const bool dry : {false, true}) {
    std::vector<std::string> arguments = {"batch", "analyze", "-o", "json"};
    if (dry) arguments.push_back("--dry-run");
    const RunResult result = Cli(arguments);
    ASSERT_EQ(result.exit, kExitOk) << result.err;
    const Json answer = Json::Parse(result.out).value();
    EXPECT_THAT(*answer.Find("batches")->array(), SizeIs(2)) << result.out;
    EXPECT_EQ(server_.batching().analyses().back().validate_only(), dry);
  }
  EXPECT_EQ(Cli({"batch", "analyze", "-o", "name"}).out, "plans/7\n");
}

TEST_F(AnalyzeTest, WatchingStoresNothing) {
  SetPlan(1.5, v1::PLAN_VERDICT_EXECUTE);
  server_.batching().LimitAnalyses(2);
  const RunResult result =
      Cli({"batch", "analyze", "--watch", "--interval", "0s"});
  EXPECT_EQ(result.exit, kExitInternal);  // enough
  EXPECT_THAT(result.out, EndsWith("3 runs from 2 jobs\n"));
  const auto analyses = server_.batching().analyses();
  ASSERT_THAT(analyses, SizeIs(2));
  for (const auto& analysis : analyses) {
    EXPECT_TRUE(analysis.validate_only());
    EXPECT_TRUE(analysis.live());
  }
}

TEST_F(AnalyzeTest, PlanningSettingsAreSentWhereTheyAreGiven) {
  SetPlan(1.5, v1::PLAN_VERDICT_EXECUTE);
  Cli({"batch", "analyze"});
  EXPECT_FALSE(server_.batching().analyses().back().has_planning());
  Cli({"batch", "analyze", "--harm-max", "30s", "--knee", "5",
       "--across-priorities", "off"});
  const auto planning = server_.batching().analyses().back().planning();
  EXPECT_EQ(planning.harm_max().seconds(), 30);
  EXPECT_EQ(planning.knee_percent(), 5);
  EXPECT_TRUE(planning.has_across_priorities());
  EXPECT_FALSE(planning.across_priorities());
  EXPECT_FALSE(planning.has_waiting_percent());
  EXPECT_EQ(Cli({"batch", "analyze", "--knee", "soon"}).exit, kExitUsage);
}

TEST_F(AnalyzeTest, ExecuteDoesBothInOneCall) {
  SetPlan(1.5, v1::PLAN_VERDICT_EXECUTE);
  const RunResult result =
      Cli({"batch", "analyze", "--execute", "--yes", "--min-speedup", "1.2",
           "--mode", "strict", "--knee", "5", "--request-id", "r-1"});
  EXPECT_EQ(result.exit, kExitOk) << result.err;
  EXPECT_THAT(result.out, HasSubstr("Queue reorganized successfully\n"));
  EXPECT_THAT(result.err, HasSubstr("sheaf batch undo plans/7"));
  const auto request = server_.batching().executions().back();
  EXPECT_EQ(request.queue(), "queues/default");
  EXPECT_EQ(request.mode(), v1::BATCHING_MODE_STRICT);
  EXPECT_EQ(request.min_speedup(), 1.2);
  EXPECT_EQ(request.planning().knee_percent(), 5);
  EXPECT_EQ(request.request_id(), "r-1");
  EXPECT_THAT(server_.batching().analyses(), IsEmpty());
}

TEST_F(AnalyzeTest, ExecuteExitsNineIfItIsNotWorthIt) {
  SetPlan(1.05, v1::PLAN_VERDICT_EXECUTE);
  const RunResult result =
      Cli({"batch", "analyze", "--execute", "--yes", "-o", "json"});
  EXPECT_EQ(result.exit, kExitNothing);
  EXPECT_THAT(result.out, HasSubstr("Too small a gain"));
  EXPECT_FALSE(server_.batching().executions().back().has_min_speedup());
}

TEST_F(AnalyzeTest, ExecuteAsksFirst) {
  SetPlan(1.5, v1::PLAN_VERDICT_EXECUTE);
  const RunResult result = Cli({"batch", "analyze", "--execute"});
  EXPECT_EQ(result.exit, kExitUsage);
  EXPECT_THAT(result.err, HasSubstr("add --yes"));
  EXPECT_THAT(server_.batching().executions(), IsEmpty());
}

TEST_F(AnalyzeTest, FlagsThatDoNotGoTogetherAreRefused) {
  for (const std::vector<std::string>& more :
       std::vector<std::vector<std::string>>{
           {"--execute", "--watch"},
           {"--execute", "--dry-run"},
           {"--execute", "--estimator", "heuristic"},
           {"--min-speedup", "2"}}) {
    std::vector<std::string> arguments = {"batch", "analyze", "--yes"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    EXPECT_EQ(Cli(arguments).exit, kExitUsage) << more.back();
  }
}

TEST_F(AnalyzeTest, TheListShowsTheSpeedupAsANumber) {
  SetPlan(1.5, v1::PLAN_VERDICT_EXECUTE);
  EXPECT_THAT(Cli({"batch", "list"}).out, AllOf(HasSubstr("SPEEDUP  VERDICT"),
                                                HasSubstr("1.50     execute")));
}

}  // namespace
}  // namespace sheaf::cli
