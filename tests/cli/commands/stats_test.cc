// `sheaf stats` and `sheaf trace record` against a server in this process.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "base/json.h"
#include "cli/support/errors.h"
#include "tests/cli/fake_server.h"
#include "tests/cli/run_cli.h"

namespace sheaf::cli {
namespace {

using testing::ContainsRegex;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

class StatsTest : public testing::Test {
 protected:
  RunResult Cli(std::vector<std::string> arguments, RunOptions options = {}) {
    options.variables["SHEAF_SERVER"] = server_.address();
    return RunCli(arguments, options);
  }

  FakeServer server_;
};

TEST_F(StatsTest, TheTableIsForPeople) {
  const RunResult result = Cli({"stats"});
  ASSERT_EQ(result.exit, kExitOk) << result.err;
  EXPECT_THAT(result.out, HasSubstr("The last 1m30s"));
  EXPECT_THAT(result.out, HasSubstr("by the device profile"));
  EXPECT_THAT(result.out, HasSubstr("0.67"));
  EXPECT_THAT(result.out, HasSubstr("75%"));
  EXPECT_THAT(result.out, HasSubstr("1m2s"));
  EXPECT_THAT(result.out, ContainsRegex("all +34"));
  EXPECT_THAT(result.out, ContainsRegex("WAIT MEAN +P50 +P95 +RUN MEAN"));
  EXPECT_THAT(result.out, ContainsRegex("75% +47s +- +1m2s"));
  EXPECT_THAT(result.out, ContainsRegex("BUSY +DEPTH +HOLDS"));
  EXPECT_THAT(result.out, ContainsRegex("workers/3 .* 50% +6 +batches/9"));
  EXPECT_THAT(result.out, Not(HasSubstr("ALL RUNS")));
  // A table without rows is left out.
  EXPECT_THAT(result.out, Not(HasSubstr("DEVICE")));
}

TEST_F(StatsTest, AWideTableHasTheSumsSinceTheStart) {
  const RunResult result = Cli({"stats", "-o", "wide"});
  EXPECT_THAT(result.out,
              ContainsRegex("ALL BATCHES +ALL RUNS +ALL WAIT +ALL RUN"));
  EXPECT_THAT(result.out, ContainsRegex("1234 +5678 +2h1m +1h5s"));
}

TEST_F(StatsTest, QueueAndWindowAreAskedFor) {
  Cli({"stats", "--queue", "night", "--window", "90s"});
  EXPECT_EQ(server_.last_stats().queue(), "queues/night");
  EXPECT_EQ(server_.last_stats().window().seconds(), 90);
  Cli({"stats"});
  EXPECT_EQ(server_.last_stats().queue(), "");
  EXPECT_EQ(server_.last_stats().window().seconds(), 300);
  EXPECT_EQ(Cli({"stats", "--window", "soon"}).exit, kExitUsage);
}

TEST_F(StatsTest, JsonIsTheWholeAnswer) {
  const RunResult result = Cli({"stats", "-o", "json"});
  const auto json = Json::Parse(result.out);
  ASSERT_TRUE(json.ok()) << result.out;
  EXPECT_EQ(json->Find("queues")->array()->size(), 2u);
  EXPECT_NE(json->Find("config"), nullptr);
  EXPECT_EQ(*json->Find("window")->text(), "90s");
}

TEST_F(StatsTest, ConfigIsShownInPlaceOfFigures) {
  const RunResult result = Cli({"stats", "--config"});
  EXPECT_THAT(result.out, ContainsRegex("group_max +512"));
  EXPECT_THAT(result.out, Not(HasSubstr("queues/")));
}

TEST_F(StatsTest, WatchingGoesOnUntilTheServerSaysNo) {
  server_.LimitStats(3);
  const RunResult lines = Cli({"stats", "--watch", "--interval", "1ms"});
  EXPECT_EQ(lines.exit, kExitInternal);
  EXPECT_EQ(std::count(lines.out.begin(), lines.out.end(), '\n'), 3);
  server_.LimitStats(2);
  const RunResult drawn =
      Cli({"stats", "--watch", "--interval", "1ms"}, {.terminal = true});
  EXPECT_THAT(drawn.out, HasSubstr("\033[2J"));
  EXPECT_THAT(drawn.out, HasSubstr("queues/night"));
}

class TraceRecordTest : public StatsTest {
 protected:
  TraceRecordTest() {
    directory_ = testing::TempDir() + "/sheaf_trace_" +
                 std::to_string(getpid()) + "." +
                 testing::UnitTest::GetInstance()->current_test_info()->name();
    std::filesystem::remove_all(directory_);
    std::filesystem::create_directories(directory_);
  }
  ~TraceRecordTest() override { std::filesystem::remove_all(directory_); }

  std::string Path() const { return directory_ + "/trace.csv"; }
  std::string Text() const {
    std::ifstream file(Path());
    std::stringstream text;
    text << file.rdbuf();
    return text.str();
  }

  std::string directory_;
};

TEST_F(TraceRecordTest, EveryPageIsWrittenOldestFirst) {
  const RunResult result = Cli({"trace", "record", Path()});
  ASSERT_EQ(result.exit, kExitOk) << result.err;
  EXPECT_THAT(result.err, HasSubstr("5 runs of 5 jobs"));
  EXPECT_THAT(result.err, HasSubstr("Left out: prompts"));
  EXPECT_THAT(Text(), ContainsRegex("jobs/0(.|\n)*jobs/1(.|\n)*jobs/4"));
  EXPECT_THAT(result.out, IsEmpty());
}

TEST_F(TraceRecordTest, TheNewestStandOldestFirstToo) {
  // The server's list begins with jobs/0, as it would with the newest.
  ASSERT_EQ(Cli({"trace", "record", Path(), "--last", "3"}).exit, kExitOk);
  EXPECT_THAT(Text(), ContainsRegex("jobs/2(.|\n)*jobs/1(.|\n)*jobs/0"));
  EXPECT_THAT(Text(), Not(HasSubstr("jobs/3")));
}

TEST_F(TraceRecordTest, ATerminalIsShownHowFarItIs) {
  const RunResult result = Cli({"trace", "record", Path()}, {.terminal = true});
  EXPECT_THAT(result.err, HasSubstr("jobs found"));
  EXPECT_THAT(Cli({"trace", "record", Path(), "--force"}).err,
              Not(HasSubstr("jobs found")));
}

TEST_F(TraceRecordTest, AFileThatIsThereStays) {
  std::ofstream(Path()) << "mine";
  EXPECT_EQ(Cli({"trace", "record", Path()}).exit, kExitConflict);
  EXPECT_EQ(Text(), "mine");
  EXPECT_EQ(Cli({"trace", "record", Path(), "--force"}).exit, kExitOk);
  EXPECT_THAT(Text(), HasSubstr("jobs/4"));
}

TEST_F(TraceRecordTest, WhatCannotBeWrittenIsSaidBeforeTheServerIsAsked) {
  const RunResult result =
      Cli({"trace", "record", directory_ + "/no/such/trace.csv"});
  EXPECT_NE(result.exit, kExitOk);
  EXPECT_THAT(result.err, HasSubstr("cannot write"));
  EXPECT_EQ(Cli({"trace", "record", Path(), "--since", "soon"}).exit,
            kExitUsage);
  EXPECT_EQ(
      Cli({"trace", "record", Path(), "--since", "1h", "--last", "2"}).exit,
      kExitUsage);
  EXPECT_TRUE(std::filesystem::is_empty(directory_));
}

}  // namespace
}  // namespace sheaf::cli
