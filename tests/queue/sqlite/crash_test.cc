// The process dies at each named place. When the store opens again, every
// acknowledged write is there, and no write is there by halves.
//
// The dying process is this program again; its environment says what to do.
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "gmock/gmock.h"
#include "tests/queue/sqlite/store_fixture.h"

namespace sheaf {
namespace {

constexpr char kFolder[] = "SHEAF_TEST_CRASH_FOLDER";

// Submits jobs and notes each acknowledged one by one write(2); then backs up,
// leases, finishes, and closes.
void Victim(const std::string& folder) {
  SqliteStore::Options options;
  options.directory = folder;
  auto store = SqliteStore::Open(options);
  if (!store.ok()) _exit(3);
  const int notes = open((folder + "/acknowledged").c_str(),
                         O_WRONLY | O_CREAT | O_APPEND, 0600);
  for (int i = 0; i < 20; ++i) {
    JobId id;
    const absl::Status status = WriteTo(**store, [&](Tx& tx) {
      id = SubmitTo(tx, 2, "r" + std::to_string(i));
      return absl::OkStatus();
    });
    if (!status.ok()) _exit(4);
    const std::string line = std::to_string(id.value) + "\n";
    if (write(notes, line.data(), line.size()) < 0) _exit(5);
  }
  Signal copied;
  (*store)->Backup({folder + "/copy.db"},
                   [&](absl::StatusOr<BackupInfo>) { copied.Notify(); });
  copied.Wait();
  store->reset();
}

class CrashTest : public StoreTest {
 protected:
  // Runs a victim in the test's folder; true if it died at `point`.
  bool DiesAt(const std::string& point) {
    const pid_t child = fork();
    if (child == 0) {
      setenv(kFolder, folder_.path().c_str(), 1);
      setenv("SHEAF_CRASH_POINT", point.c_str(), 1);
      execl("/proc/self/exe", "sqlite_tests",
            "--gtest_filter=VictimTest.DoesAsItsEnvironmentSays",
            "--gtest_brief=1", nullptr);
      _exit(127);
    }
    int status = 0;
    waitpid(child, &status, 0);
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
  }

  // `more`: jobs submitted after the crash.
  void ExpectWhole(int more) {
    std::ifstream notes(folder_.path() + "/acknowledged");
    int64_t id = 0;
    int64_t last = 0;
    ASSERT_TRUE(Read([&](View& view) {
                  while (notes >> id) {
                    EXPECT_TRUE(view.FindJob(JobId{id})) << id;
                    last = id;
                  }
                  return absl::OkStatus();
                }).ok());
    EXPECT_EQ(Ask("PRAGMA integrity_check"), "ok");
    // Besides those jobs, at most the one under way is there.
    EXPECT_LE(std::stoll(Ask("SELECT count(*) FROM jobs")), last + 1 + more);
    EXPECT_EQ(Ask("SELECT ifnull(max(sequence), 0) - count(*) FROM events"),
              "0");
    EXPECT_EQ(Ask("SELECT ifnull(sum(run_count), 0) - (SELECT count(*) FROM "
                  "runs) FROM jobs"),
              "0");
    // A backup that has its name is whole, and has its sum.
    const std::string copy = folder_.path() + "/copy.db";
    if (!std::filesystem::exists(copy)) return;
    EXPECT_TRUE(std::filesystem::exists(copy + ".sha256"));
    SQLite::Database backup(copy, SQLite::OPEN_READONLY);
    EXPECT_TRUE(ProblemsOf(backup, /*full=*/true).empty());
  }
};

TEST(VictimTest, DoesAsItsEnvironmentSays) {
  const char* folder = std::getenv(kFolder);
  if (folder == nullptr) GTEST_SKIP() << "only as CrashTest's victim";
  Victim(folder);
}

TEST_F(CrashTest, WithoutAnOrderNothingDies) {
  EXPECT_FALSE(DiesAt("nowhere"));
  Open();
  EXPECT_EQ(Ask("SELECT count(*) FROM jobs"), "20");
  EXPECT_TRUE(std::filesystem::exists(folder_.path() + "/copy.db"));
}

class CrashPointTest : public CrashTest,
                       public ::testing::WithParamInterface<const char*> {};

TEST_P(CrashPointTest, WhatWasAcknowledgedIsThereAfterwards) {
  ASSERT_TRUE(DiesAt(GetParam()));
  Open();
  ExpectWhole(0);
  Submit(1);
  Open();
  ExpectWhole(1);
}

INSTANTIATE_TEST_SUITE_P(Places, CrashPointTest,
                         ::testing::Values("before-commit", "before-commit:7",
                                           "after-commit", "after-commit:7",
                                           "mid-group", "mid-group:7",
                                           "mid-checkpoint", "mid-backup",
                                           "mid-publish", "mid-migration"));

}  // namespace
}  // namespace sheaf
