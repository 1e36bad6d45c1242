// `sheaf queue`, against a server in this process.
#include <gmock/gmock.h>

#include "cli/support/errors.h"
#include "tests/cli/fake_batching.h"
#include "tests/cli/fake_queues.h"
#include "tests/cli/wire_fixture.h"

namespace sheaf::cli {
namespace {

using testing::HasSubstr;

using QueueTest = WireTest;

TEST_F(QueueTest, VerbsWithoutANameMeanTheUsualQueue) {
  const std::vector<std::vector<std::string>> kVerbs = {
      {"get"}, {"pause"}, {"resume"}, {"drain"}, {"set", "--batch-size", "8"}};
  for (const std::vector<std::string>& verb : kVerbs) {
    std::vector<std::string> arguments = {"queue"};
    arguments.insert(arguments.end(), verb.begin(), verb.end());
    EXPECT_EQ(Cli(arguments).exit, kExitOk) << verb[0];
    EXPECT_EQ(server_.queues().last_name(), "queues/default") << verb[0];
    RunOptions night;
    night.variables["SHEAF_QUEUE"] = "night";
    EXPECT_EQ(Cli(arguments, night).exit, kExitOk) << verb[0];
    EXPECT_EQ(server_.queues().last_name(), "queues/night") << verb[0];
    arguments.insert(arguments.begin() + 2, "day");
    EXPECT_EQ(Cli(arguments, night).exit, kExitOk) << verb[0];
    EXPECT_EQ(server_.queues().last_name(), "queues/day") << verb[0];
  }
}

TEST_F(QueueTest, VerbsOfBatchMeanTheSameQueue) {
  RunOptions night;
  night.variables["SHEAF_QUEUE"] = "night";
  Cli({"batch", "analyze"}, night);
  EXPECT_EQ(server_.batching().analyses().back().queue(), "queues/night");
  Cli({"batch", "analyze", "--queue", "day"}, night);
  EXPECT_EQ(server_.batching().analyses().back().queue(), "queues/day");
}

TEST_F(QueueTest, DestructionNeedsTheName) {
  for (const char* verb : {"delete", "purge", "create"}) {
    const RunResult result = Cli({"queue", verb, "--yes"});
    EXPECT_EQ(result.exit, kExitUsage) << verb;
    EXPECT_THAT(result.err, HasSubstr("queue is required")) << verb;
  }
}

TEST_F(QueueTest, ResumingAnActiveQueueIsNoError) {
  server_.queues().SetState(v1::QUEUE_STATE_ACTIVE);
  const RunResult result = Cli({"queue", "resume"});
  EXPECT_EQ(result.exit, kExitOk) << result.err;
  EXPECT_EQ(result.err, "queues/default was active already.\n");
  EXPECT_THAT(result.out, HasSubstr("active"));
  EXPECT_THAT(Cli({"queue", "resume", "-o", "json"}).out,
              HasSubstr("QUEUE_STATE_ACTIVE"));
}

}  // namespace
}  // namespace sheaf::cli
