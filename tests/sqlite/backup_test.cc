#include "queue/sqlite/backup.h"

#include <atomic>
#include <fstream>
#include <thread>

#include "gmock/gmock.h"
#include "queue/error.h"
#include "queue/sqlite/files.h"
#include "queue/sqlite/restore.h"
#include "tests/sqlite/store_fixture.h"

namespace sheaf {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

class BackupTest : public StoreTest {
 protected:
  absl::StatusOr<BackupInfo> Backup(const std::string& path) {
    absl::StatusOr<BackupInfo> result;
    Signal done;
    store_->Backup(path, [&](absl::StatusOr<BackupInfo> info) {
      result = std::move(info);
      done.Notify();
    });
    done.Wait();
    return result;
  }
  absl::StatusOr<Restored> RestoreFrom(const std::string& path) {
    return Restore(folder_.path(), path, absl::FromUnixMillis(clock_ms_));
  }
  std::string copy() const { return folder_.path() + "/copy.db"; }
};

TEST_F(BackupTest, ABackupMadeDuringWritesHoldsAWholeNumberOfCommits) {
  Open();
  // Some megabytes, so that the copy takes several steps.
  for (int i = 0; i < 20; ++i) Submit(1000);
  std::atomic<bool> stop = false;
  std::thread busy([&] {
    while (!stop) Submit(3);
  });
  const auto info = Backup(copy());
  stop = true;
  busy.join();
  ASSERT_TRUE(info.ok()) << info.status();
  EXPECT_EQ(info->path, copy());
  EXPECT_GT(info->size_bytes, 1 << 20);
  EXPECT_GE(info->job_count, 20);
  EXPECT_EQ(info->last_event_sequence, info->job_count);

  SQLite::Database db(copy(), SQLite::OPEN_READONLY);
  EXPECT_EQ(db.execAndGet("SELECT sum(run_count) FROM jobs").getInt64(),
            db.execAndGet("SELECT count(*) FROM runs").getInt64());
  EXPECT_EQ(
      db.execAndGet("SELECT value FROM counters WHERE name = 'job'").getInt64(),
      info->job_count);
  EXPECT_FALSE(fs::exists(PartialPath(copy())));
  EXPECT_FALSE(fs::exists(copy() + "-wal"));
}

TEST_F(BackupTest, TheSumBesideItIsThatOfTheFile) {
  Open();
  Submit();
  const auto info = Backup(copy());
  ASSERT_TRUE(info.ok()) << info.status();
  std::ifstream sidecar(copy() + ".sha256");
  std::string sum, name;
  sidecar >> sum >> name;
  EXPECT_EQ(sum, info->sha256);
  EXPECT_EQ(sum, *Sha256OfFile(copy()));
  EXPECT_EQ(name, "copy.db");
}

TEST_F(BackupTest, ABackupIsNeverOverwritten) {
  Open();
  Submit();
  ASSERT_TRUE(Backup(copy()).ok());
  const std::string before = *Sha256OfFile(copy());
  Submit();
  const auto again = Backup(copy());
  EXPECT_EQ(ReasonOf(again.status()), Reason::kBackupExists);
  EXPECT_EQ(*Sha256OfFile(copy()), before);
}

TEST_F(BackupTest, ABackupThatCannotBeWrittenFailsAndTheStoreGoesOn) {
  Open();
  Submit();
  const auto info = Backup(folder_.path() + "/no/such/folder/copy.db");
  EXPECT_EQ(ReasonOf(info.status()), Reason::kBackupFailed);
  EXPECT_TRUE(store_->Health().writable);
  Submit();
}

TEST_F(BackupTest, ARestoredDatabaseSkipsIdsAndKeepsTheReplacedOne) {
  Open();
  const JobId kept = Submit();
  ASSERT_TRUE(Backup(copy()).ok());
  const JobId lost = Submit();
  Close();
  const auto restored = RestoreFrom(copy());
  ASSERT_TRUE(restored.ok()) << restored.status();
  Open();
  const JobId next = Submit();
  EXPECT_EQ(next.value, lost.value + kIdsSkippedByRestore + 1);
  EXPECT_EQ(Ask("SELECT group_concat(id) FROM jobs"),
            std::to_string(kept.value) + "," + std::to_string(next.value));
  EXPECT_EQ(Ask("SELECT max(sequence) FROM events"),
            std::to_string(2 + kIdsSkippedByRestore + 1));
  SQLite::Database old(restored->replaced, SQLite::OPEN_READONLY);
  EXPECT_EQ(old.execAndGet("SELECT count(*) FROM jobs").getInt(), 2);
}

TEST_F(BackupTest, RestoringIntoAnEmptyFolderWorksToo) {
  Open();
  Submit();
  ASSERT_TRUE(Backup(copy()).ok());
  Close();
  TempFolder other;
  const auto restored = Restore(other.path(), copy(), absl::Now());
  ASSERT_TRUE(restored.ok()) << restored.status();
  EXPECT_EQ(restored->replaced, "");
  SQLite::Database db(DatabasePath(other.path()), SQLite::OPEN_READONLY);
  EXPECT_EQ(db.execAndGet("SELECT count(*) FROM jobs").getInt(), 1);
}

TEST_F(BackupTest, ARunningServerIsNotRestoredOver) {
  Open();
  Submit();
  ASSERT_TRUE(Backup(copy()).ok());
  EXPECT_EQ(ReasonOf(RestoreFrom(copy()).status()), Reason::kDatabaseLocked);
}

TEST_F(BackupTest, AnAlteredBackupIsRefusedAndTheDatabaseStays) {
  Open();
  Submit();
  ASSERT_TRUE(Backup(copy()).ok());
  Submit();
  Close();
  {
    std::fstream file(copy(), std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(5000);
    file.put('x');
  }
  EXPECT_EQ(ReasonOf(RestoreFrom(copy()).status()), Reason::kBackupFailed);
  EXPECT_EQ(Ask("SELECT count(*) FROM jobs"), "2");
}

TEST_F(BackupTest, ADamagedBackupIsRefusedThoughItsSumFits) {
  Open();
  for (int i = 0; i < 5; ++i) Submit(100);
  ASSERT_TRUE(Backup(copy()).ok());
  Close();
  {
    std::fstream file(copy(), std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(5 * 4096);
    for (int i = 0; i < 4096; ++i) file.put('x');
  }
  ASSERT_TRUE(WriteFileDurably(copy() + ".sha256", *Sha256OfFile(copy())).ok());
  EXPECT_EQ(ReasonOf(RestoreFrom(copy()).status()), Reason::kBackupFailed);
  EXPECT_EQ(Ask("SELECT count(*) FROM jobs"), "5");
}

TEST_F(BackupTest, IntegrityIsCheckedBesideTheWork) {
  Open();
  Submit(10);
  for (const bool full : {false, true}) {
    Signal done;
    store_->CheckIntegrity(
        full, [&](absl::StatusOr<std::vector<std::string>> problems) {
          EXPECT_TRUE(problems.ok() && problems->empty());
          done.Notify();
        });
    done.Wait();
  }
}

}  // namespace
}  // namespace sheaf
