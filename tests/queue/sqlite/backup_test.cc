#include "queue/sqlite/backup.h"

#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <thread>

#include "base/files.h"
#include "gmock/gmock.h"
#include "queue/error.h"
#include "queue/sqlite/offline/restore.h"
#include "tests/queue/sqlite/store_fixture.h"

namespace sheaf {
namespace {

namespace fs = std::filesystem;

class BackupTest : public StoreTest {
 protected:
  absl::StatusOr<BackupInfo> Backup(const std::string& path, int kept_max = 0) {
    absl::StatusOr<BackupInfo> result;
    Signal done;
    store_->Backup({path, kept_max}, [&](absl::StatusOr<BackupInfo> info) {
      result = std::move(info);
      done.Notify();
    });
    done.Wait();
    return result;
  }
  // Files in the folder whose names begin with a dot: copies without a name.
  int Nameless() const {
    int count = 0;
    for (const auto& entry : fs::directory_iterator(folder_.path())) {
      count += entry.path().filename().string().front() == '.' ? 1 : 0;
    }
    return count;
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
  EXPECT_EQ(Nameless(), 0);
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

TEST_F(BackupTest, OfTwoBackupsOfOneNameAtOnceOneIsMadeAndItIsSound) {
  Open();
  for (int i = 0; i < 20; ++i) Submit(1000);
  for (int round = 0; round < 5; ++round) {
    const std::string path =
        folder_.path() + "/twice" + std::to_string(round) + ".db";
    std::vector<absl::StatusOr<BackupInfo>> results(2);
    std::vector<Signal> done(2);
    for (int i = 0; i < 2; ++i) {
      store_->Backup({path}, [&, i](absl::StatusOr<BackupInfo> info) {
        results[i] = std::move(info);
        done[i].Notify();
      });
      // The second copy differs from the first.
      if (i == 0) Submit();
    }
    for (Signal& one : done) one.Wait();
    ASSERT_TRUE(results[0].ok()) << results[0].status();
    EXPECT_EQ(ReasonOf(results[1].status()), Reason::kBackupExists);
    EXPECT_EQ(*Sha256OfFile(path), results[0]->sha256);
    TempFolder other;
    const auto restored = Restore(other.path(), path, absl::Now());
    EXPECT_TRUE(restored.ok()) << restored.status();
  }
  EXPECT_EQ(Nameless(), 0);
}

TEST_F(BackupTest, ABackupIsReadableByItsOwnerOnly) {
  Open();
  Submit();
  ASSERT_TRUE(Backup(copy()).ok());
  for (const std::string& path : {copy(), copy() + ".sha256"}) {
    EXPECT_EQ(fs::status(path).permissions() & fs::perms(0077), fs::perms::none)
        << path;
  }
}

TEST_F(BackupTest, NamesOfFilesBesideABackupAreRefused) {
  Open();
  for (const char* name : {"x.partial", "x.db.sha256", "x-journal", "x-wal",
                           "x-shm", "x.restoring", ".x"}) {
    EXPECT_EQ(ReasonOf(CheckBackupName(name)), Reason::kInvalidField) << name;
    EXPECT_EQ(ReasonOf(Backup(folder_.path() + "/" + name).status()),
              Reason::kInvalidField)
        << name;
  }
  EXPECT_TRUE(CheckBackupName("sheaf-2026.db").ok());
}

TEST_F(BackupTest, FilesOfOthersAreNeitherReplacedNorRemoved) {
  Open();
  Submit();
  // An older version took these names for its own.
  ASSERT_TRUE(WriteFileDurably(copy() + ".partial", "mine").ok());
  ASSERT_TRUE(Backup(copy()).ok());
  EXPECT_EQ(FileSize(copy() + ".partial"), 4);
  const std::string other = folder_.path() + "/other.db";
  ASSERT_TRUE(WriteFileDurably(other + ".sha256", "a database").ok());
  EXPECT_EQ(ReasonOf(Backup(other).status()), Reason::kBackupExists);
  EXPECT_EQ(FileSize(other + ".sha256"), 10);
  EXPECT_FALSE(fs::exists(other));
  EXPECT_EQ(Nameless(), 0);
}

TEST_F(BackupTest, ASumThatWasLeftWithoutItsBackupIsReplaced) {
  Open();
  Submit();
  ASSERT_TRUE(
      WriteFileDurably(copy() + ".sha256", std::string(64, 'a') + "  copy.db\n")
          .ok());
  const auto info = Backup(copy());
  ASSERT_TRUE(info.ok()) << info.status();
  Close();
  EXPECT_TRUE(RestoreFrom(copy()).ok());
}

TEST_F(BackupTest, ThereAreOnlySoManyBackups) {
  Open();
  Submit();
  ASSERT_TRUE(Backup(folder_.path() + "/1.db", 2).ok());
  ASSERT_TRUE(Backup(folder_.path() + "/2.db", 2).ok());
  EXPECT_EQ(CountBackups(folder_.path()), 2);
  EXPECT_EQ(ReasonOf(Backup(folder_.path() + "/3.db", 2).status()),
            Reason::kBackupsFull);
  EXPECT_TRUE(Backup(folder_.path() + "/3.db", 3).ok());
}

TEST_F(BackupTest, LeftoversOfDeadProcessesAreSweptAndNothingElse) {
  const std::string folder = folder_.path();
  const std::string dead = folder + "/.sheaf-backup-999999999-1-5";
  const std::string alive =
      folder + "/.sheaf-backup-" + std::to_string(getppid()) + "-1-5";
  for (const std::string& path :
       {dead, dead + "-journal", dead + ".sha256", alive, folder + "/x.db"}) {
    ASSERT_TRUE(WriteFileDurably(path, "x").ok());
  }
  EXPECT_EQ(SweepBackups(folder), 3);
  EXPECT_TRUE(fs::exists(alive));
  EXPECT_TRUE(fs::exists(folder + "/x.db"));
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

TEST_F(BackupTest, ARestoreSkipsNoIdsOfTheNextCell) {
  Open();
  Submit();
  ASSERT_TRUE(Backup(copy()).ok());
  Close();
  {
    SQLite::Database db(database(), SQLite::OPEN_READWRITE);
    db.exec(
        "UPDATE counters SET value = 68719476735 - 10 "
        "WHERE name IN ('job', 'batch', 'worker', 'plan', 'epoch')");
  }
  ASSERT_TRUE(RestoreFrom(copy()).ok());
  Open();
  EXPECT_EQ(Ask("SELECT group_concat(name) FROM (SELECT name FROM counters "
                "WHERE value = 68719476735 ORDER BY name)"),
            "batch,job,plan,worker");
  EXPECT_EQ(Ask("SELECT value FROM counters WHERE name = 'epoch'"),
            std::to_string(kCountMax - 10 + kIdsSkippedByRestore));
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

TEST_F(BackupTest, WhatRootRestoresBelongsToTheOwnerOfTheFolder) {
  if (geteuid() != 0) GTEST_SKIP() << "only root gives files away";
  constexpr uid_t kOwner = 4711;
  Open();
  Submit();
  ASSERT_TRUE(Backup(copy()).ok());
  Close();
  TempFolder other;
  ASSERT_EQ(chown(other.path().c_str(), kOwner, kOwner), 0);
  // This file has a name in another folder, too.
  TempFolder apart;
  const std::string roots = apart.path() + "/roots";
  ASSERT_TRUE(WriteFileDurably(roots, "x").ok());
  fs::create_hard_link(roots, other.path() + "/sheaf.linked");
  ASSERT_TRUE(Restore(other.path(), copy(), absl::Now()).ok());
  struct stat file;
  ASSERT_EQ(stat(DatabasePath(other.path()).c_str(), &file), 0);
  EXPECT_EQ(file.st_uid, kOwner);
  ASSERT_EQ(stat(LockPath(other.path()).c_str(), &file), 0);
  EXPECT_EQ(file.st_uid, kOwner);
  ASSERT_EQ(stat(roots.c_str(), &file), 0);
  EXPECT_EQ(file.st_uid, 0u);
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
        full, nullptr, [&](absl::StatusOr<std::vector<std::string>> problems) {
          EXPECT_TRUE(problems.ok() && problems->empty());
          done.Notify();
        });
    done.Wait();
  }
}

TEST_F(BackupTest, ChecksAreFewAndEndWhenTheirCallersHaveLeft) {
  Open();
  Submit(10);
  Signal go;
  std::vector<Signal> done(3);
  std::vector<std::optional<Reason>> reasons(3);
  const auto ask = [&](int i, std::function<bool()> left) {
    store_->CheckIntegrity(true, std::move(left), [&, i](const auto& problems) {
      reasons[i] = ReasonOf(problems.status());
      done[i].Notify();
    });
  };
  ask(0, [&] { return go.Wait(), true; });
  ask(1, [] { return true; });
  ask(2, nullptr);
  done[2].Wait();
  EXPECT_EQ(reasons[2], Reason::kOverloaded);
  go.Notify();
  done[0].Wait();
  done[1].Wait();
  EXPECT_EQ(reasons[0], Reason::kCallCancelled);
  EXPECT_EQ(reasons[1], Reason::kCallCancelled);
}

}  // namespace
}  // namespace sheaf
