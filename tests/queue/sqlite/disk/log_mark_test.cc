#include "queue/sqlite/disk/log_mark.h"

#include <filesystem>
#include <fstream>

#include "gmock/gmock.h"
#include "queue/error.h"
#include "queue/sqlite/offline/restore.h"
#include "tests/queue/sqlite/store_fixture.h"

namespace sheaf {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

class LogMarkTest : public StoreTest {
 protected:
  // Closes the store, but leaves its files as a kill would.
  void Kill() {
    for (const char* name : {"sheaf.db", "sheaf.db-wal", "sheaf.mark"}) {
      fs::copy_file(folder_.path() + "/" + name, kept_.path() + "/" + name);
    }
    Close();
    for (const char* name : {"sheaf.db", "sheaf.db-wal", "sheaf.mark"}) {
      fs::copy_file(kept_.path() + "/" + name, folder_.path() + "/" + name,
                    fs::copy_options::overwrite_existing);
    }
    fs::remove(database() + "-shm");
  }
  absl::Status TryOpen() {
    auto store = SqliteStore::Open(MakeOptions());
    if (!store.ok()) return store.status();
    store_ = *std::move(store);
    return absl::OkStatus();
  }

  TempFolder kept_;
};

TEST_F(LogMarkTest, ALogThatVanishedAfterAKillIsNoticed) {
  Open();
  Submit();
  Open();  // the first one is in the database itself now
  for (int i = 0; i < 3; ++i) Submit();
  Kill();
  fs::remove(database() + "-wal");
  const absl::Status status = TryOpen();
  EXPECT_EQ(ReasonOf(status), Reason::kStoreCorrupt) << status;
  const std::string text(status.message());
  EXPECT_THAT(text, HasSubstr("up to 1,"));
  EXPECT_THAT(text, HasSubstr("up to 4 "));
  // The message says to do this.
  fs::remove(LogMarkPath(database()));
  EXPECT_TRUE(TryOpen().ok());
  EXPECT_EQ(Ask("SELECT count(*) FROM jobs"), "1");
}

TEST_F(LogMarkTest, ALogThatWasCutIsNoticedToo) {
  Open();
  for (int i = 0; i < 3; ++i) Submit();
  Kill();
  fs::resize_file(database() + "-wal",
                  fs::file_size(database() + "-wal") - 4096);
  EXPECT_EQ(ReasonOf(TryOpen()), Reason::kStoreCorrupt);
}

TEST_F(LogMarkTest, AKillAloneIsNothing) {
  Open();
  for (int i = 0; i < 3; ++i) Submit();
  Kill();
  EXPECT_TRUE(TryOpen().ok());
  EXPECT_EQ(Ask("SELECT count(*) FROM jobs"), "3");
}

TEST_F(LogMarkTest, ALogThatAnotherProgramFoldedInIsNothing) {
  Open();
  for (int i = 0; i < 3; ++i) Submit();
  Kill();
  {
    SQLite::Database db(database(), SQLite::OPEN_READWRITE);
    db.exec("PRAGMA wal_checkpoint(TRUNCATE)");
  }
  EXPECT_FALSE(fs::exists(database() + "-wal"));
  EXPECT_TRUE(TryOpen().ok());
}

TEST_F(LogMarkTest, ADatabaseWithoutAMarkGetsOne) {
  Open();
  Submit();
  Close();
  fs::remove(LogMarkPath(database()));
  ASSERT_TRUE(TryOpen().ok());
  Submit();
  std::ifstream mark(LogMarkPath(database()));
  std::string word;
  int64_t sequence = 0;
  mark >> word >> sequence;
  EXPECT_EQ(sequence, 2);
}

TEST_F(LogMarkTest, AMarkThatDoesNotReadSaysNothing) {
  Open();
  Submit();
  Close();
  std::ofstream(LogMarkPath(database())) << "?";
  EXPECT_TRUE(TryOpen().ok());
}

TEST_F(LogMarkTest, ARestoreGivesUpWhatCameAfterTheBackup) {
  Open();
  Submit();
  Signal done;
  store_->Backup({folder_.path() + "/copy.db"},
                 [&](const absl::StatusOr<BackupInfo>& info) {
                   EXPECT_TRUE(info.ok()) << info.status();
                   done.Notify();
                 });
  done.Wait();
  for (int i = 0; i < 3; ++i) Submit();
  Close();
  ASSERT_TRUE(
      Restore(folder_.path(), folder_.path() + "/copy.db", absl::Now()).ok());
  EXPECT_TRUE(TryOpen().ok());
}

}  // namespace
}  // namespace sheaf
