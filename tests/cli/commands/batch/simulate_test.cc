// `sheaf batch simulate`, as a user runs it. Needs no server.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "base/json.h"
#include "cli/support/errors.h"
#include "tests/cli/run_cli.h"

namespace sheaf::cli {
namespace {

using testing::HasSubstr;

const std::string kGolden =
    std::string(SHEAF_SOURCE_DIR) + "/tests/golden/batching/";

RunResult Simulated(std::vector<std::string> more) {
  std::vector<std::string> arguments = {"batch", "simulate",
                                        kGolden + "runs.csv", "--profile",
                                        kGolden + "profiles.json"};
  arguments.insert(arguments.end(), more.begin(), more.end());
  return RunCli(arguments);
}

TEST(BatchTest, TheTableSaysThatItIsSimulated) {
  const RunResult result = Simulated({});
  EXPECT_EQ(result.exit, kExitOk) << result.err;
  EXPECT_THAT(result.out, HasSubstr("PROFILE (SIMULATED)"));
  for (const char* policy :
       {"singles", "natural", "strict-greedy", "mixed-greedy-dense",
        "mixed-greedy", "strict-optimal", "minimal-strict-optimal",
        "minimal-mixed-optimal", "best", "adaptive", "economic",
        "continuous"}) {
    EXPECT_THAT(result.out, HasSubstr(std::string("  ") + policy + " "));
  }
}

TEST(BatchTest, RowsAsJsonHoldEveryRowOfTheReference) {
  const RunResult result = Simulated({"--batch-size", "4,8", "-o", "json"});
  ASSERT_EQ(result.exit, kExitOk) << result.err;
  const Json rows = Json::Parse(result.out).value();
  std::ifstream file(kGolden + "expected.json");
  std::stringstream text;
  text << file.rdbuf();
  const Json expected = Json::Parse(text.str()).value();
  ASSERT_EQ(expected.array()->size(), 30u);
  for (const Json& want : *expected.array()) {
    const Json* found = nullptr;
    for (const Json& row : *rows.array()) {
      bool same = true;
      for (const char* name : {"profile", "policy"}) {
        same &= *row.Find(name)->text() == *want.Find(name)->text();
      }
      const auto size = [](const Json& r) {
        return *r.Find("batch_size")->integer();
      };
      if (same && size(row) == size(want)) found = &row;
    }
    ASSERT_NE(found, nullptr);
    const double ms = *want.Find("gpu_ms")->number();
    EXPECT_LE(*found->Find("gpu_ms")->number(), ms * 1.0001);
    EXPECT_GE(*found->Find("gain_over_singles")->number(),
              *want.Find("gain_over_singles")->number() - 1e-3);
    for (const char* name : {"runs", "batches", "fill", "mean_ms", "p95_ms",
                             "p99_ms", "swaps", "swap_ms"}) {
      EXPECT_NE(found->Find(name), nullptr) << name;
    }
  }
}

TEST(BatchTest, PoliciesDevicesAndSizesMayBeChosen) {
  const RunResult result =
      Simulated({"--policy", "best", "natural", "--device", "sdxl-512-h200",
                 "--batch-size", "5", "-o", "jsonl"});
  ASSERT_EQ(result.exit, kExitOk) << result.err;
  std::istringstream lines(result.out);
  std::vector<std::string> policies;
  for (std::string line; std::getline(lines, line);) {
    const Json row = Json::Parse(line).value();
    policies.push_back(*row.Find("policy")->text());
    EXPECT_EQ(*row.Find("profile")->text(), "sdxl-512-h200");
    EXPECT_EQ(row.Find("batch_size")->integer(), 5);
  }
  EXPECT_THAT(policies, testing::ElementsAre("best", "natural"));
}

TEST(BatchTest, RecordedArrivalsTakeAsLongAsTheTrace) {
  const RunResult result =
      Simulated({"--policy", "best", "--device", "sdxl-512-h200",
                 "--batch-size", "8", "--arrivals", "recorded", "-o", "json"});
  ASSERT_EQ(result.exit, kExitOk) << result.err;
  const Json rows = Json::Parse(result.out).value();
  EXPECT_GT(*(*rows.array())[0].Find("end_ms")->number(), 110'000);
}

TEST(BatchTest, MistakesAreNamed) {
  EXPECT_THAT(Simulated({"--policy", "bset"}).err,
              HasSubstr("did you mean 'best'?"));
  EXPECT_THAT(Simulated({"--batch-size", "none"}).err,
              HasSubstr("--batch-size cannot be 'none'"));
  EXPECT_THAT(Simulated({"--device", "h100"}).err,
              HasSubstr("holds no profile 'h100'"));
  EXPECT_THAT(RunCli({"batch", "simulate", "/nonexistent.csv", "--profile",
                      kGolden + "profiles.json"})
                  .err,
              HasSubstr("cannot read /nonexistent.csv"));
  EXPECT_THAT(RunCli({"batch", "simulate", kGolden + "profiles.json",
                      "--profile", kGolden + "profiles.json"})
                  .err,
              HasSubstr("profiles.json: line 1: "));
  EXPECT_EQ(RunCli({"batch", "simulate", "x.csv"}).exit, kExitUsage);
}

}  // namespace
}  // namespace sheaf::cli
