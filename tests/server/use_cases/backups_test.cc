#include "server/use_cases/backups.h"

#include <filesystem>
#include <fstream>
#include <future>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "queue/error.h"
#include "queue/sqlite/sqlite_store.h"
#include "server/use_cases/server_facts.h"
#include "tests/base/temp_folder.h"

namespace sheaf::server {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;

class BackupsTest : public ::testing::Test {
 protected:
  BackupsTest() {
    store_ = SqliteStore::Open({.directory = directory_ + "/data"}).value();
  }
  ~BackupsTest() override { store_.reset(); }

  Backups With(int kept_max = 0) {
    return Backups(
        store_.get(),
        {.directory = directory_ + "/backups", .kept_max = kept_max, .now = [] {
           return absl::FromUnixSeconds(1'700'000'000);
         }});
  }
  static absl::StatusOr<BackupInfo> Make(const Backups& backups,
                                         const std::string& name) {
    std::promise<absl::StatusOr<BackupInfo>> made;
    backups.Make(name, [&](absl::StatusOr<BackupInfo> info) {
      made.set_value(std::move(info));
    });
    return made.get_future().get();
  }

  const TempFolder temp_;
  const std::string directory_ = temp_.path();
  std::unique_ptr<SqliteStore> store_;
};

TEST_F(BackupsTest, ABackupWithoutANameIsNamedByTheTime) {
  const auto made = Make(With(), "");
  ASSERT_TRUE(made.ok()) << made.status();
  EXPECT_EQ(made->path, directory_ + "/backups/sheaf-20231114T221320.000Z.db");
  EXPECT_TRUE(std::filesystem::exists(made->path));
}

TEST_F(BackupsTest, AnotherOfTheSameNameOrOneTooManyIsRefused) {
  ASSERT_TRUE(Make(With(), "a.db").ok());
  EXPECT_EQ(ReasonOf(Make(With(), "a.db").status()), Reason::kBackupExists);
  EXPECT_EQ(ReasonOf(Make(With(1), "b.db").status()), Reason::kBackupsFull);
  EXPECT_EQ(ReasonOf(Make(With(), "a.db-wal").status()), Reason::kInvalidField);
}

TEST_F(BackupsTest, TheLastTimeIsThatOfTheNewestWithASum) {
  const Backups backups = With();
  EXPECT_EQ(backups.LastTime(), absl::InfinitePast());
  const absl::Time before = absl::Now() - absl::Seconds(2);
  ASSERT_TRUE(Make(backups, "a.db").ok());
  EXPECT_GE(backups.LastTime(), before);
  EXPECT_LE(backups.LastTime(), absl::Now() + absl::Seconds(2));
}

TEST_F(BackupsTest, TheFactsOfTheServerHaveProblemsAndNotesOfAllParts) {
  const Backups backups = With();
  const ServerFacts facts(
      store_.get(), &backups,
      {.data_directory = directory_,
       .start_time = absl::FromUnixSeconds(1),
       .lease_duration = absl::Seconds(30),
       .now = [] { return absl::FromUnixSeconds(2); },
       .problems = [] { return std::vector<std::string>{"the clock"}; },
       .notes = [] { return std::vector<std::string>{"a note"}; }});
  const ServerState state = facts.State();
  EXPECT_TRUE(state.writable);
  EXPECT_THAT(state.problems, ElementsAre("the clock"));
  EXPECT_THAT(state.notes, Contains("a note"));
  EXPECT_GT(state.disk_free_bytes.value_or(0), 0);
  EXPECT_GT(state.store.schema_version, 0);
  EXPECT_EQ(state.last_backup_time, absl::InfinitePast());
}

}  // namespace
}  // namespace sheaf::server
