#include "inference/worker/process/flags.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

namespace sheaf::worker {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

FlagsOrExit Parse(std::vector<const char*> args) {
  args.insert(args.begin(), "sheaf-worker");
  return ParseFlags(static_cast<int>(args.size()), args.data());
}

TEST(FlagsTest, RealPicturesOnTheBestDeviceAreTheDefault) {
  const FlagsOrExit parsed = Parse({});
  ASSERT_FALSE(parsed.exits) << parsed.output;
  EXPECT_EQ(parsed.flags.engine, EngineKind::kTorch);
  EXPECT_EQ(parsed.flags.runtime.device, "auto");
}

TEST(FlagsTest, TheLastOfSeveralNamesCounts) {
  // As sheafd gives one before those of --worker-arg.
  const FlagsOrExit parsed = Parse({"--name", "local-0", "--name=gpu box"});
  ASSERT_FALSE(parsed.exits) << parsed.output;
  EXPECT_EQ(parsed.flags.session.hello.display_name(), "gpu box");
}

TEST(FlagsTest, SimulationIsOfTheLocalServer) {
  const FlagsOrExit parsed = Parse({"--engine", "simulated"});
  ASSERT_FALSE(parsed.exits) << parsed.output;
  EXPECT_EQ(parsed.flags.server, "127.0.0.1:7420");
  EXPECT_EQ(parsed.flags.simulated.step_time, absl::Milliseconds(20));
  EXPECT_EQ(parsed.flags.simulated.row_time, absl::Milliseconds(5));
  EXPECT_EQ(parsed.flags.simulated.steps_default, 20);
  EXPECT_TRUE(parsed.flags.simulated.images);
  EXPECT_NE(parsed.flags.session.hello.display_name(), "");
  EXPECT_TRUE(parsed.flags.session.join);
}

TEST(FlagsTest, WhatTheWorkerServesIsPassedOn) {
  const FlagsOrExit parsed =
      Parse({"--name", "w1", "--queues", "fast,queues/slow", "--kinds",
             "inference", "--aliases", "a,b", "--batch-size-max", "8", "--once",
             "--join", "off", "--server", "unix:/tmp/s"});
  ASSERT_FALSE(parsed.exits) << parsed.output;
  const auto& hello = parsed.flags.session.hello;
  EXPECT_EQ(hello.display_name(), "w1");
  EXPECT_THAT(hello.queues(), ElementsAre("queues/fast", "queues/slow"));
  EXPECT_THAT(hello.kinds(), ElementsAre("inference"));
  EXPECT_THAT(hello.models(), ElementsAre("a", "b"));
  EXPECT_EQ(hello.batch_size_max(), 8);
  EXPECT_TRUE(parsed.flags.session.once);
  EXPECT_FALSE(parsed.flags.session.join);
  EXPECT_EQ(parsed.flags.server, "unix:/tmp/s");
}

TEST(FlagsTest, FaultsAddUpAndMayComeFromTheEnvironment) {
  const FlagsOrExit parsed =
      Parse({"--engine", "simulated", "--fault", "oom@rows>4", "--fault",
             "fail@p=0.1,seed=7;nan"});
  ASSERT_FALSE(parsed.exits) << parsed.output;
  EXPECT_EQ(parsed.flags.simulated.faults.size(), 3u);
  EXPECT_EQ(parsed.flags.simulated.faults[1].seed, 7u);
  setenv("SHEAF_FAULT", "fail@p=0.5,seed=3;exit@lease", 1);
  const FlagsOrExit from_environment = Parse({"--engine", "simulated"});
  unsetenv("SHEAF_FAULT");
  ASSERT_FALSE(from_environment.exits) << from_environment.output;
  EXPECT_EQ(from_environment.flags.simulated.faults.size(), 2u);
}

TEST(FlagsTest, MistakesExitWithTwoAndSayWhatIsWrong) {
  const struct {
    std::vector<const char*> args;
    const char* message;
  } table[] = {
      {{"--fault", "bang"}, "'bang' is not an action"},
      {{"--step-time", "soon"}, "'soon' is not a time"},
      {{"--step-time", "-5ms"}, "is negative"},
      {{"--step-time", "5ms"}, "--step-time needs --engine simulated"},
      {{"--engine", "simulated", "--list-devices"}, "needs --engine torch"},
      {{"--engine", "steam"}, "steam"},
      {{"--model-memory", "much"}, "model-memory"},
      {{"--bogus"}, "--bogus"},
      {{"--batch-size-max", "-1"}, "batch-size-max"},
  };
  for (const auto& [args, message] : table) {
    const FlagsOrExit parsed = Parse(args);
    EXPECT_TRUE(parsed.exits);
    EXPECT_EQ(parsed.exit_code, 2);
    EXPECT_THAT(parsed.output, HasSubstr(message));
  }
}

TEST(FlagsTest, HelpAndVersionExitWithZero) {
  EXPECT_THAT(Parse({"--help"}).output, HasSubstr("--time-scale"));
  EXPECT_EQ(Parse({"--help"}).exit_code, 0);
  EXPECT_THAT(Parse({"--version"}).output, HasSubstr("sheaf-worker 0"));
  EXPECT_EQ(Parse({"--version"}).exit_code, 0);
}

TEST(FlagsTest, TimesAreReadWithAndWithoutUnits) {
  EXPECT_EQ(*ParseWaitTime("250ms"), absl::Milliseconds(250));
  EXPECT_EQ(*ParseWaitTime("1m30s"), absl::Seconds(90));
  EXPECT_EQ(*ParseWaitTime("0"), absl::ZeroDuration());
  EXPECT_EQ(*ParseWaitTime("1.5"), absl::Milliseconds(1500));
  EXPECT_FALSE(ParseWaitTime("").ok());
  EXPECT_FALSE(ParseWaitTime("nan").ok());
}

}  // namespace
}  // namespace sheaf::worker
