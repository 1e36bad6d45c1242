#include "server/process/child_process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <set>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

namespace sheaf::server {
namespace {

std::vector<std::string> Ours() {
  std::vector<std::string> variables;
  for (char** each = environ; *each != nullptr; ++each) {
    variables.emplace_back(*each);
  }
  return variables;
}

ChildProcess Spawn(const std::vector<std::string>& argv) {
  auto child = ChildProcess::Spawn(argv, Ours());
  EXPECT_TRUE(child.ok()) << child.status().ToString();
  return *std::move(child);
}

// Waits until the child has ended; says how.
std::string EndOf(ChildProcess child) {
  pollfd end = {.fd = child.end_fd(), .events = POLLIN};
  EXPECT_EQ(poll(&end, 1, 20'000), 1);
  return child.Reap().value_or("(runs)");
}

// A line of /proc/PID/status.
std::string StatusOf(const ChildProcess& child, const std::string& name) {
  std::ifstream file(absl::StrCat("/proc/", child.pid(), "/status"));
  for (std::string line; std::getline(file, line);) {
    if (line.rfind(name + ":", 0) == 0) return line.substr(name.size() + 2);
  }
  return "(none)";
}

TEST(ChildProcessTest, SaysHowItEnded) {
  EXPECT_EQ(EndOf(Spawn({"true"})), "exit status 0");
  EXPECT_EQ(EndOf(Spawn({"sh", "-c", "exit 7"})), "exit status 7");
  EXPECT_EQ(EndOf(Spawn({"sh", "-c", "kill -9 $$"})), "signal 9 (Killed)");
}

TEST(ChildProcessTest, OneThatRunsIsNotReaped) {
  ChildProcess child = Spawn({"sleep", "1000"});
  EXPECT_FALSE(child.Reap().has_value());
  child.Signal(SIGTERM);
  EXPECT_EQ(EndOf(std::move(child)), "signal 15 (Terminated)");
}

TEST(ChildProcessTest, AProgramHasTheEnvironmentItIsGivenAndNoOther) {
  setenv("DB_PASSWORD", "hunter2", 1);
  const auto said =
      ChildProcess::OutputOf({"env"}, {"A=1", "B=2"}, absl::Seconds(20));
  unsetenv("DB_PASSWORD");
  ASSERT_TRUE(said.ok()) << said.status().ToString();
  EXPECT_EQ(*said, "A=1\nB=2\n");
}

TEST(ChildProcessTest, TellsWhatAProgramSays) {
  const auto said = ChildProcess::OutputOf({"sh", "-c", "echo a; echo b"},
                                           Ours(), absl::Seconds(20));
  ASSERT_TRUE(said.ok()) << said.status().ToString();
  EXPECT_EQ(*said, "a\nb\n");
}

TEST(ChildProcessTest, WhatAProgramThatFailsSaysIsNoAnswer) {
  const auto said = ChildProcess::OutputOf({"sh", "-c", "echo a; exit 3"},
                                           Ours(), absl::Seconds(20));
  EXPECT_EQ(said.status().message(), "sh: exit status 3");
}

TEST(ChildProcessTest, AProgramThatSaysNothingIsNotWaitedForLong) {
  const auto said =
      ChildProcess::OutputOf({"sleep", "1000"}, Ours(), absl::Milliseconds(50));
  EXPECT_EQ(said.status().message(), "sleep did not end within 50ms");
}

TEST(ChildProcessTest, OutputThatOthersKeepOpenIsNotWaitedFor) {
  const auto said = ChildProcess::OutputOf(
      {"sh", "-c", "setsid sleep 10 & echo a"}, Ours(), absl::Seconds(5));
  ASSERT_TRUE(said.ok()) << said.status().ToString();
  EXPECT_EQ(*said, "a\n");
}

TEST(ChildProcessTest, AProgramThatIsNotThereIsAnError) {
  const auto child = ChildProcess::Spawn({"/nonexistent/program"}, Ours());
  EXPECT_EQ(child.status().code(), absl::StatusCode::kUnavailable);
}

TEST(ChildProcessTest, IsInAGroupOfItsOwn) {
  ChildProcess child = Spawn({"sleep", "1000"});
  EXPECT_EQ(getpgid(child.pid()), child.pid());
  child.Signal(SIGKILL);
  EndOf(std::move(child));
}

// The child is no shell script, because shells clear the mask themselves.
TEST(ChildProcessTest, InheritsNoBlockedOrIgnoredSignal) {
  sigset_t term;
  sigset_t before;
  sigemptyset(&term);
  sigaddset(&term, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &term, &before);
  const auto handler = signal(SIGPIPE, SIG_IGN);
  ChildProcess child = Spawn({"sleep", "1000"});
  signal(SIGPIPE, handler);
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  EXPECT_EQ(StatusOf(child, "SigBlk"), "0000000000000000");
  // The C library ignores two signals of its own, 32 and 33.
  const uint64_t ignored = std::stoull(StatusOf(child, "SigIgn"), nullptr, 16);
  EXPECT_EQ(ignored & 0x7fffffff, 0u);
  child.Signal(SIGTERM);
  EXPECT_EQ(EndOf(std::move(child)), "signal 15 (Terminated)");
}

// The names in the child's /proc/PID/fd.
std::set<std::string> OpenFilesOf(const ChildProcess& child) {
  std::set<std::string> open_files;
  const std::string folder = absl::StrCat("/proc/", child.pid(), "/fd");
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    open_files.insert(entry.path().filename());
  }
  return open_files;
}

// While a program starts, its loader holds a library open for a moment; an
// inherited file would stay.
TEST(ChildProcessTest, InheritsNoFileButOutputAndError) {
  const int file = open("/tmp", O_RDONLY);  // Not close-on-exec.
  ChildProcess child = Spawn({"sleep", "1000"});
  close(file);
  const std::set<std::string> expected = {"0", "1", "2"};
  std::set<std::string> open_files = OpenFilesOf(child);
  for (int i = 0; i < 1000 && open_files != expected; ++i) {
    usleep(10'000);
    open_files = OpenFilesOf(child);
  }
  EXPECT_EQ(open_files, expected);
  EXPECT_EQ(std::filesystem::read_symlink(
                absl::StrCat("/proc/", child.pid(), "/fd/0")),
            "/dev/null");
  child.Signal(SIGKILL);
  EndOf(std::move(child));
}

}  // namespace
}  // namespace sheaf::server
