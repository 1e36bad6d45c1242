#include "server/process/open_store.h"

#include <SQLiteCpp/SQLiteCpp.h>

#include <atomic>
#include <fstream>

#include "gtest/gtest.h"
#include "queue/error.h"
#include "queue/sqlite/sqlite_store.h"
#include "tests/base/temp_folder.h"

namespace sheaf::server {
namespace {

class OpenStoreTest : public testing::Test {
 protected:
  OpenStoreTest() { config_.data_dir = folder_.path(); }

  absl::StatusOr<std::unique_ptr<DurableStore>> Open() {
    return OpenStore(config_,
                     {.clock = [this] { return now_; },
                      .observer = [this](const Committed&) { ++commits_; },
                      .log = [](const std::string&) {},
                      .on_distrust = [](const std::string&) {}});
  }

  // Overwrites a page of the database that holds a table.
  void Damage(const std::string& table) {
    const std::string path = DatabasePath(config_.data_dir);
    int page = 0;
    {
      SQLite::Database db(path, SQLite::OPEN_READONLY);
      page = db.execAndGet("SELECT rootpage FROM sqlite_schema WHERE name = '" +
                           table + "'");
    }
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp((page - 1) * 4096);
    file << std::string(4096, '\x7f');
  }

  const TempFolder folder_;
  ServerConfig config_;
  absl::Time now_ = absl::FromUnixSeconds(1'700'000'000);
  std::atomic<int> commits_ = 0;
};

TEST_F(OpenStoreTest, TheStoreGoesByTheServersClockAndTellsOfItsCommits) {
  {
    const auto store = Open();
    ASSERT_TRUE(store.ok()) << store.status();
    EXPECT_EQ((*store)->Info().engine, "sqlite");
    EXPECT_TRUE((*store)->Health().writable);
    absl::Time now;
    EXPECT_TRUE(WriteAndWait(**store, [&](Tx& tx) {
                  now = tx.now();
                  tx.AppendEvent({.type = EventType::kWorkerJoined});
                  return absl::OkStatus();
                }).ok());
    EXPECT_EQ(now, now_);
    const auto second = Open();
    EXPECT_EQ(ReasonOf(second.status()), Reason::kDatabaseLocked);
  }
  EXPECT_EQ(commits_, 1);
}

TEST_F(OpenStoreTest, TheConfigurationSaysHowTheDatabaseIsCheckedAtBoot) {
  for (const auto& [said, done] :
       {std::pair("auto", "ok"), {"sync", "ok"}, {"off", "off"}}) {
    config_.boot_check = said;
    const auto store = Open();
    ASSERT_TRUE(store.ok()) << store.status();
    EXPECT_EQ((*store)->Health().boot_check, done) << said;
  }
}

TEST_F(OpenStoreTest, AFileThatIsCheckedBesideTheWorkDoesNotHoldTheStart) {
  EXPECT_TRUE(Open().ok());
  Damage("plan_runs");
  config_.boot_check = "sync";
  EXPECT_EQ(ReasonOf(Open().status()), Reason::kStoreCorrupt);
  config_.boot_check = "background";
  const auto store = Open();
  ASSERT_TRUE(store.ok()) << store.status();
  while ((*store)->Health().boot_check == "running") {
    absl::SleepFor(absl::Milliseconds(1));
  }
  EXPECT_FALSE((*store)->Health().writable);
}

TEST_F(OpenStoreTest, ABackupGetsNoNameOfAFileThatStandsBesideADatabase) {
  const auto store = Open();
  ASSERT_TRUE(store.ok()) << store.status();
  EXPECT_TRUE((*store)->CheckBackupName("monday.db").ok());
  EXPECT_EQ(ReasonOf((*store)->CheckBackupName("monday.db-wal")),
            Reason::kInvalidField);
}

}  // namespace
}  // namespace sheaf::server
