// How the program itself ends. Needs the target sheaf-worker built.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "absl/time/clock.h"
#include "tests/inference/worker/batches.h"
#include "tests/inference/worker/fake_server.h"

extern char** environ;

namespace sheaf::worker {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr char kProgram[] = SHEAF_BINARY_DIR "/bin/sheaf-worker";

class ProcessTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_EQ(access(kProgram, X_OK), 0) << "build sheaf-worker first";
  }

  ~ProcessTest() override {
    if (pid_ > 0) {
      kill(pid_, SIGKILL);
      waitpid(pid_, nullptr, 0);
    }
  }

  void Spawn(std::vector<std::string> args) {
    std::vector<char*> argv;
    for (std::string& arg : args) argv.push_back(arg.data());
    argv.push_back(nullptr);
    ASSERT_EQ(
        posix_spawnp(&pid_, argv[0], nullptr, nullptr, argv.data(), environ),
        0);
  }

  // Spawns the worker, and hands it a batch of two rows that take 20 seconds.
  void SpawnBusy(std::vector<std::string> args) {
    args.insert(args.begin(),
                {kProgram, "--server", server_.address(), "--engine",
                 "simulated", "--no-images", "--log-level", "error"});
    server_.With([](FakeServerState& state) {
      state.heartbeat_interval = absl::Milliseconds(50);
      state.batches.push_back(MakeBatch(1, {{.steps = 1000}, {.steps = 1000}}));
    });
    Spawn(args);
  }

  // Waits until the worker reports a batch, which shows that it has one.
  bool WaitUntilBusy() {
    return server_.WaitUntil(
        [](const FakeServerState& state) { return !state.reports.empty(); });
  }

  // Returns the status from waitpid, or -1 if the process is still there after
  // `limit`.
  int WaitForEnd(absl::Duration limit) {
    const absl::Time end = absl::Now() + limit;
    int status = -1;
    while (waitpid(pid_, &status, WNOHANG) == 0) {
      if (absl::Now() > end) return -1;
      absl::SleepFor(absl::Milliseconds(5));
    }
    pid_ = 0;
    return status;
  }

  static int Exited(int code) { return code << 8; }

  FakeServer server_;
  pid_t pid_ = 0;
};

TEST_F(ProcessTest, TerminatedWorkerHandsBackItsRunsAndExitsWithZero) {
  SpawnBusy({});
  ASSERT_TRUE(WaitUntilBusy());
  kill(pid_, SIGTERM);
  EXPECT_EQ(WaitForEnd(absl::Seconds(5)), Exited(0));
  const FakeServerState state = server_.Snapshot();
  EXPECT_THAT(state.releases, SizeIs(1));
  EXPECT_THAT(state.deregistered, ElementsAre("workers/1"));
  EXPECT_THAT(state.finishes, IsEmpty());
}

TEST_F(ProcessTest, TerminatedWorkerLeavesAHungEngineBehindInTime) {
  SpawnBusy({"--fault", "hang@step=1"});
  ASSERT_TRUE(WaitUntilBusy());
  kill(pid_, SIGTERM);
  EXPECT_EQ(WaitForEnd(absl::Seconds(5)), Exited(0));
  EXPECT_THAT(server_.Snapshot().deregistered, ElementsAre("workers/1"));
}

TEST_F(ProcessTest, SecondSignalEndsAtOnce) {
  SpawnBusy({"--fault", "hang@step=1"});
  ASSERT_TRUE(WaitUntilBusy());
  kill(pid_, SIGTERM);
  absl::SleepFor(absl::Milliseconds(100));
  kill(pid_, SIGINT);
  EXPECT_EQ(WaitForEnd(absl::Seconds(1)), Exited(1));
}

TEST_F(ProcessTest, HungEngineEndsTheProcess) {
  SpawnBusy({"--fault", "hang@step=2", "--stall-timeout", "300ms"});
  EXPECT_EQ(WaitForEnd(absl::Seconds(5)), Exited(3));
  EXPECT_TRUE(server_.WaitUntil(
      [](const FakeServerState& state) { return state.streams_open == 0; }));
}

TEST_F(ProcessTest, AWorkerWithoutItsDeviceSaysGoodbyeAndExitsWithFour) {
  SpawnBusy({"--fault", "lost@step=2"});
  EXPECT_EQ(WaitForEnd(absl::Seconds(5)), Exited(4));
  const FakeServerState state = server_.Snapshot();
  EXPECT_THAT(state.Outcomes(), SizeIs(2));
  EXPECT_THAT(state.deregistered, ElementsAre("workers/1"));
}

TEST_F(ProcessTest, CrashBeforeFinishReportsNothing) {
  SpawnBusy({"--time-scale", "0", "--fault", "crash@before-finish"});
  const int status = WaitForEnd(absl::Seconds(5));
  ASSERT_NE(status, -1);
  EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT) << status;
  EXPECT_THAT(server_.Snapshot().finishes, IsEmpty());
}

TEST_F(ProcessTest, ExitAtLeaseGoesWithoutAWord) {
  SpawnBusy({"--fault", "exit@lease"});
  EXPECT_EQ(WaitForEnd(absl::Seconds(5)), Exited(1));
  EXPECT_THAT(server_.Snapshot().deregistered, IsEmpty());
}

TEST_F(ProcessTest, WorkerGoesWithItsParent) {
  // A shell stands between us and the worker, and dies without telling it.
  Spawn({"/bin/sh", "-c", "\"$0\" \"$@\" & wait", kProgram, "--server",
         server_.address(), "--engine", "simulated", "--exit-with-parent",
         "--log-level", "error"});
  ASSERT_TRUE(server_.WaitUntil(
      [](const FakeServerState& state) { return state.lease_calls == 1; }));
  kill(pid_, SIGKILL);
  EXPECT_TRUE(server_.WaitUntil(
      [](const FakeServerState& state) { return state.streams_open == 0; }));
  EXPECT_THAT(server_.Snapshot().deregistered, ElementsAre("workers/1"));
}

TEST_F(ProcessTest, OnceDoesOneBatchAndExitsWithZero) {
  SpawnBusy({"--time-scale", "0", "--once"});
  EXPECT_EQ(WaitForEnd(absl::Seconds(5)), Exited(0));
  EXPECT_THAT(server_.Snapshot().Outcomes(), SizeIs(2));
}

}  // namespace
}  // namespace sheaf::worker
