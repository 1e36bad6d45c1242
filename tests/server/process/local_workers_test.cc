#include "server/process/local_workers.h"

#include <signal.h>
#include <sys/stat.h>

#include <fstream>

#include "absl/time/clock.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "server/config/config.h"
#include "tests/base/temp_folder.h"

namespace sheaf::server {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::Ge;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Le;

// Workers here are shell scripts that write what they see into files.
class LocalWorkersTest : public ::testing::Test {
 protected:
  std::string Path(const std::string& name) { return directory_ + "/" + name; }

  // `body` runs with its own file's folder as $D.
  LocalWorkersOptions Script(const std::string& body) {
    const std::string path = Path("worker");
    std::ofstream(path) << "#!/bin/sh\nD=" << directory_ << "\n" << body;
    chmod(path.c_str(), 0755);
    return {.count = 1,
            .command = path,
            .server = "127.0.0.1:1",
            .backoff_first = absl::Milliseconds(10),
            .backoff_longest = absl::Milliseconds(40)};
  }
  std::unique_ptr<LocalWorkers> Start(const LocalWorkersOptions& options) {
    auto workers = LocalWorkers::Start(options);
    EXPECT_TRUE(workers.ok()) << workers.status().ToString();
    return workers.ok() ? *std::move(workers) : nullptr;
  }
  std::vector<std::string> Lines(const std::string& name) {
    std::ifstream file(Path(name));
    std::vector<std::string> lines;
    for (std::string line; std::getline(file, line);) lines.push_back(line);
    return lines;
  }
  template <class Condition>
  bool Eventually(Condition condition) {
    for (int i = 0; i < 2000; ++i) {
      if (condition()) return true;
      absl::SleepFor(absl::Milliseconds(5));
    }
    return false;
  }

  const TempFolder temp_;
  const std::string directory_ = temp_.path();
};

TEST_F(LocalWorkersTest, EachIsToldTheServerItsNameAndTheFurtherArguments) {
  LocalWorkersOptions options =
      Script("echo \"$*\" > $D/args.$4\nexec sleep 1000\n");
  options.count = 2;
  options.args = {"--device", "cuda:{index}"};
  auto workers = Start(options);
  ASSERT_TRUE(Eventually([&] {
    return Lines("args.local-0").size() + Lines("args.local-1").size() == 2;
  }));
  EXPECT_THAT(Lines("args.local-0"),
              ElementsAre("--server 127.0.0.1:1 --name local-0 "
                          "--exit-with-parent --device cuda:0"));
  EXPECT_THAT(Lines("args.local-1"),
              ElementsAre("--server 127.0.0.1:1 --name local-1 "
                          "--exit-with-parent --device cuda:1"));
  EXPECT_TRUE(Eventually([&] { return workers->running_count() == 2; }));
  workers->Stop(absl::Seconds(10));
  EXPECT_EQ(workers->running_count(), 0);
  EXPECT_EQ(workers->restart_count(), 0);
}

TEST_F(LocalWorkersTest, AutoIsOneForEachDeviceThatTheCommandNames) {
  LocalWorkersOptions options = Script(
      "if [ \"$2\" = --list-devices ]; then echo cuda:0; echo cuda:1; exit; "
      "fi\n"
      "echo \"$*\" > $D/args.$4\nexec sleep 1000\n");
  options.count = kAuto;
  options.args = {"--engine=torch"};
  auto workers = Start(options);
  ASSERT_TRUE(Eventually([&] { return Lines("args.local-1").size() == 1; }));
  EXPECT_THAT(Lines("args.local-1"),
              ElementsAre("--server 127.0.0.1:1 --name local-1 "
                          "--exit-with-parent --engine=torch --device=auto:1"));
  // A worker may write its file before it is counted.
  EXPECT_TRUE(Eventually([&] { return workers->running_count() == 2; }));
}

TEST_F(LocalWorkersTest, AutoIsRefusedWhereNobodyKnowsTheDevices) {
  LocalWorkersOptions options = Script("exit 2\n");
  options.count = kAuto;
  EXPECT_THAT(LocalWorkers::Start(options).status().message(),
              HasSubstr("exit status 2"));
  options = Script("exit 0\n");
  options.count = kAuto;
  EXPECT_THAT(LocalWorkers::Start(options).status().message(),
              HasSubstr("lists no device"));
  options.args = {"--device=cpu"};
  EXPECT_THAT(LocalWorkers::Start(options).status().message(),
              HasSubstr("leave out --device=cpu"));
}

TEST_F(LocalWorkersTest, OneThatEndsIsStartedAgain) {
  auto workers = Start(Script(
      "echo start >> $D/log\n[ $(wc -l < $D/log) -ge 3 ] && exec sleep 1000\n"
      "exit 7\n"));
  ASSERT_TRUE(Eventually([&] { return Lines("log").size() == 3; }));
  EXPECT_EQ(workers->restart_count(), 2);
  EXPECT_TRUE(Eventually([&] { return workers->running_count() == 1; }));
}

TEST_F(LocalWorkersTest, OneThatIsKilledIsStartedAgain) {
  auto workers = Start(Script("echo $$ >> $D/pids\nexec sleep 1000\n"));
  ASSERT_TRUE(Eventually([&] { return Lines("pids").size() == 1; }));
  kill(std::stoi(Lines("pids")[0]), SIGKILL);
  EXPECT_TRUE(Eventually([&] { return Lines("pids").size() == 2; }));
  EXPECT_EQ(workers->restart_count(), 1);
}

TEST_F(LocalWorkersTest, WaitsBetweenStartsDoubleUpToTheLongest) {
  LocalWorkersOptions options = Script("echo start >> $D/log\nexit 1\n");
  options.backoff_first = absl::Milliseconds(50);
  options.backoff_longest = absl::Milliseconds(200);
  const absl::Time begin = absl::Now();
  auto workers = Start(options);
  // 50 + 100 + 200 + 200 ms lie before the fifth start.
  ASSERT_TRUE(Eventually([&] { return workers->restart_count() >= 4; }));
  EXPECT_THAT(absl::Now() - begin,
              AllOf(Ge(absl::Milliseconds(550)), Le(absl::Seconds(5))));
}

TEST_F(LocalWorkersTest, AHealthyLifeIsForgivenItsEnd) {
  LocalWorkersOptions options = Script("echo start >> $D/log\nsleep 0.05\n");
  options.backoff_longest = absl::Hours(1);
  options.healthy = absl::Milliseconds(20);
  auto workers = Start(options);
  // Doubling ten milliseconds twelve times would take forty seconds.
  EXPECT_TRUE(Eventually([&] { return Lines("log").size() >= 12; }));
  EXPECT_THAT(workers->Problems(), IsEmpty());
}

TEST_F(LocalWorkersTest, OneThatKeepsEndingIsAProblemUntilItStays) {
  LocalWorkersOptions options = Script(
      "[ -e $D/good ] && exec sleep 1000\n"
      "exit 7\n");
  options.healthy = absl::Milliseconds(300);
  auto workers = Start(options);
  ASSERT_TRUE(Eventually([&] { return !workers->Problems().empty(); }));
  EXPECT_THAT(
      workers->Problems(),
      ElementsAre(AllOf(HasSubstr("local-0"), HasSubstr("exit status 7"))));
  std::ofstream(Path("good")) << "\n";
  EXPECT_TRUE(Eventually([&] { return workers->Problems().empty(); }));
}

TEST_F(LocalWorkersTest, StopLetsThemLeave) {
  auto workers = Start(
      Script("trap 'echo left >> $D/log; exit 0' TERM\necho ready >> $D/log\n"
             "while :; do sleep 0.01; done\n"));
  ASSERT_TRUE(Eventually([&] { return Lines("log").size() == 1; }));
  workers->Stop(absl::Seconds(10));
  EXPECT_THAT(Lines("log"), ElementsAre("ready", "left"));
}

TEST_F(LocalWorkersTest, StopKillsThoseThatStayTooLong) {
  auto workers = Start(
      Script("trap '' TERM\necho $$ > $D/pid\nwhile :; do sleep 0.01; done\n"));
  ASSERT_TRUE(Eventually([&] { return Lines("pid").size() == 1; }));
  const absl::Time begin = absl::Now();
  workers->Stop(absl::Milliseconds(100));
  EXPECT_THAT(absl::Now() - begin,
              AllOf(Ge(absl::Milliseconds(100)), Le(absl::Seconds(3))));
  EXPECT_EQ(kill(std::stoi(Lines("pid")[0]), 0), -1);
  workers->Stop(absl::Milliseconds(100));
}

TEST_F(LocalWorkersTest, WhatAWorkerLeavesBehindDiesWithIt) {
  auto workers = Start(Script(
      "[ -e $D/pid ] && exec sleep 1000\n"
      "sleep 1000 & echo $! > $D/pid.new; mv $D/pid.new $D/pid\nexit 1\n"));
  ASSERT_TRUE(Eventually([&] { return workers->restart_count() == 1; }));
  const int orphan = std::stoi(Lines("pid").at(0));
  // The process is gone, or a zombie that waits for its new parent.
  EXPECT_TRUE(Eventually([&] {
    std::ifstream stat("/proc/" + std::to_string(orphan) + "/stat");
    std::string text;
    std::getline(stat, text);
    return text.empty() || text.find(") Z ") != std::string::npos;
  }));
}

TEST_F(LocalWorkersTest, ACommandThatIsNoProgramIsRefused) {
  for (const char* command : {"", "/nonexistent/sheaf-worker"}) {
    const auto workers = LocalWorkers::Start({.count = 1, .command = command});
    EXPECT_EQ(workers.status().code(), absl::StatusCode::kNotFound);
  }
}

TEST_F(LocalWorkersTest, ACommandThatGoesMissingIsAProblem) {
  LocalWorkersOptions options = Script("");
  options.command = "sheaf-worker-that-nobody-has";
  auto workers = Start(options);
  ASSERT_TRUE(Eventually([&] { return !workers->Problems().empty(); }));
  EXPECT_THAT(workers->Problems(), ElementsAre(HasSubstr("No such file")));
}

}  // namespace
}  // namespace sheaf::server
