// The disk fails: nothing acknowledged is lost, reads go on, and the store
// comes back by itself.
#include <sys/mount.h>

#include <filesystem>
#include <fstream>
#include <set>
#include <thread>

#include "gmock/gmock.h"
#include "queue/error.h"
#include "queue/sqlite/disk/log_mark.h"
#include "tests/queue/sqlite/fault_vfs.h"
#include "tests/queue/sqlite/store_fixture.h"

namespace sheaf {
namespace {

class FaultTest : public StoreTest {
 protected:
  ~FaultTest() override { SetFaultPlan({}); }

  void OpenFaulty() {
    auto options = MakeOptions();
    options.vfs = FaultVfsName();
    Open(options);
  }

  // Submits one job; remembers it if it was acknowledged.
  absl::Status TrySubmit(const std::string& request_id) {
    const absl::Status status = Write([&](Tx& tx) {
      if (!tx.FindRequest("ann", request_id)) SubmitTo(tx, 2, request_id);
      return absl::OkStatus();
    });
    if (status.ok()) acknowledged_.insert(request_id);
    return status;
  }

  // Waits until the store takes writes again.
  void AwaitRecovery() {
    SetFaultPlan({});
    const absl::Time end = absl::Now() + absl::Seconds(20);
    StoreHealth health = store_->Health();
    while (!health.writable && absl::Now() < end) {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
      health = store_->Health();
    }
    ASSERT_TRUE(health.writable) << health.problem;
  }

  void ExpectAllKept() {
    ASSERT_TRUE(Read([&](View& view) {
                  for (const std::string& id : acknowledged_) {
                    EXPECT_TRUE(view.FindRequest("ann", id)) << id;
                  }
                  return absl::OkStatus();
                }).ok());
    EXPECT_EQ(Ask("PRAGMA integrity_check"), "ok");
    EXPECT_EQ(Ask("SELECT count(*) FROM pragma_foreign_key_check"), "0");
    EXPECT_EQ(Ask("SELECT sum(run_count) = (SELECT count(*) FROM runs) AND "
                  "sum(run_count) = (SELECT sum(queued) FROM queues) FROM "
                  "jobs"),
              "1");
    EXPECT_EQ(Ask("SELECT max(sequence) - count(*) FROM events"), "0");
    EXPECT_EQ(Ask("SELECT (SELECT max(id) FROM jobs) <= value FROM counters "
                  "WHERE name = 'job'"),
              "1");
  }

  // Fails the n-th call of a kind, for every n, until no call of a round fails.
  void FailEveryCall(FaultOn on, FaultWith with, int64_t failures) {
    OpenFaulty();
    ASSERT_TRUE(TrySubmit("start").ok());
    int64_t rounds = 0;
    for (int64_t n = 1;; ++n) {
      SetFaultPlan({on, with, n, failures});
      for (int i = 0; i < 4; ++i) {
        const std::string id = std::to_string(n) + "/" + std::to_string(i);
        const absl::Status status = TrySubmit(id);
        EXPECT_TRUE(status.ok() || absl::IsUnavailable(status)) << status;
        if (!status.ok() && with == FaultWith::kDiskFull) {
          EXPECT_EQ(ReasonOf(status), Reason::kDiskFull) << status;
        }
        // Reads go on.
        EXPECT_TRUE(Read([&](View& view) {
                      EXPECT_TRUE(view.FindRequest("ann", "start"));
                      return absl::OkStatus();
                    }).ok());
      }
      const bool failed = FaultsInjected() > 0;
      AwaitRecovery();
      if (!failed) break;
      ++rounds;
      if (n % 10 == 0) ExpectAllKept();
    }
    EXPECT_GT(rounds, 3);
    ExpectAllKept();
    Open();
    ExpectAllKept();
  }

  std::set<std::string> acknowledged_;
};

TEST_F(FaultTest, AFailedWriteLosesNothingAcknowledged) {
  FailEveryCall(FaultOn::kWrite, FaultWith::kIoError, 1);
}

TEST_F(FaultTest, AFailedSyncLosesNothingAcknowledged) {
  FailEveryCall(FaultOn::kSync, FaultWith::kIoError, 1);
}

TEST_F(FaultTest, AFullDiskLosesNothingAcknowledged) {
  FailEveryCall(FaultOn::kWrite, FaultWith::kDiskFull, 1);
}

TEST_F(FaultTest, ADiskThatStaysBrokenRefusesWritesUntilItIsMended) {
  OpenFaulty();
  ASSERT_TRUE(TrySubmit("start").ok());
  SetFaultPlan({FaultOn::kWriteOrSync, FaultWith::kIoError, 1, 1'000'000});
  for (int i = 0; i < 20; ++i) {
    EXPECT_TRUE(absl::IsUnavailable(TrySubmit("lost")));
    EXPECT_TRUE(Read([](View& view) {
                  EXPECT_TRUE(view.FindRequest("ann", "start"));
                  return absl::OkStatus();
                }).ok());
    // Give the store time to try, in vain.
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
    EXPECT_FALSE(store_->Health().writable);
    EXPECT_NE(store_->Health().problem, "");
  }
  AwaitRecovery();
  EXPECT_TRUE(TrySubmit("after").ok());
  ExpectAllKept();
}

// A sync that fails may have left the disk with the whole commit.
TEST_F(FaultTest, ACommitThatFailedIsAnsweredOnceItIsOverwritten) {
  OpenFaulty();
  ASSERT_TRUE(TrySubmit("start").ok());
  SetFaultPlan({FaultOn::kSync, FaultWith::kIoError, 1, 1});
  const absl::Status status = TrySubmit("refused");
  EXPECT_EQ(ReasonOf(status), Reason::kStoreUnavailable) << status;
  // The process dies now: the next one finds a copy of its files.
  TempFolder after;
  for (const char* name : {"sheaf.db", "sheaf.db-wal"}) {
    std::filesystem::copy_file(folder_.path() + "/" + name,
                               after.path() + "/" + name);
  }
  SQLite::Database db(DatabasePath(after.path()), SQLite::OPEN_READWRITE);
  EXPECT_EQ(db.execAndGet("SELECT count(*) FROM jobs WHERE request_id = "
                          "'refused'")
                .getInt(),
            0);
  AwaitRecovery();
  ExpectAllKept();
}

TEST_F(FaultTest, ACommitThatStaysUnsettledIsSaidToBeUnknown) {
  SqliteStore::Options options = MakeOptions();
  options.vfs = FaultVfsName();
  options.unknown_max = absl::Milliseconds(20);
  Open(std::move(options));
  ASSERT_TRUE(TrySubmit("start").ok());
  SetFaultPlan({FaultOn::kSync, FaultWith::kIoError, 1, 1'000'000});
  EXPECT_EQ(ReasonOf(TrySubmit("unknown")), Reason::kOutcomeUnknown);
  // A write that never came to a commit is known to be nowhere.
  EXPECT_EQ(ReasonOf(TrySubmit("never")), Reason::kStoreUnavailable);
  AwaitRecovery();
  ExpectAllKept();
}

TEST_F(FaultTest, AFullDiskLeavesRoomForWhatMakesSome) {
  SqliteStore::Options options = MakeOptions();
  options.vfs = FaultVfsName();
  options.ballast_bytes = 1 << 20;
  Open(std::move(options));
  ASSERT_TRUE(TrySubmit("start").ok());
  const std::string ballast = folder_.path() + "/sheaf.ballast";
  EXPECT_EQ(std::filesystem::file_size(ballast), size_t{1} << 20);
  SetFaultPlan({FaultOn::kWrite, FaultWith::kDiskFull, 1, 1});
  EXPECT_EQ(ReasonOf(TrySubmit("full")), Reason::kDiskFull);
  // The ballast is given away at once, and is back within a second or so.
  AwaitRecovery();
  Signal answered;
  absl::Status status;
  store_->Write([](Tx&) { return absl::OkStatus(); },
                [&](absl::Status answer) {
                  status = std::move(answer);
                  answered.Notify();
                },
                {.makes_room = true});
  answered.Wait();
  EXPECT_TRUE(status.ok()) << status;
  while (!TrySubmit("again").ok()) {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  EXPECT_TRUE(std::filesystem::exists(ballast));
  EXPECT_EQ(store_->Health().problem, "");
  ExpectAllKept();
}

TEST_F(FaultTest, AWholeGroupFailsWithItsCommit) {
  OpenFaulty();
  ASSERT_TRUE(TrySubmit("start").ok());
  SetFaultPlan({FaultOn::kSync, FaultWith::kIoError, 1, 1});
  constexpr int kWrites = 50;
  Signal all_answered;
  int left = kWrites;
  std::atomic<int> failed = 0;
  for (int i = 0; i < kWrites; ++i) {
    store_->Write(
        [i](Tx& tx) {
          SubmitTo(tx, 1, "g" + std::to_string(i));
          return absl::OkStatus();
        },
        [&, i](absl::Status status) {
          if (status.ok()) {
            acknowledged_.insert("g" + std::to_string(i));
          } else {
            ++failed;
          }
          if (--left == 0) all_answered.Notify();
        });
  }
  all_answered.Wait();
  EXPECT_GT(failed, 0);
  AwaitRecovery();
  EXPECT_EQ(Ask("SELECT count(*) FROM jobs"),
            std::to_string(acknowledged_.size()));
  ExpectAllKept();
}

TEST_F(FaultTest, AReadThatFailsIsAnsweredAndTheNextOneServed) {
  OpenFaulty();
  ASSERT_TRUE(TrySubmit("start").ok());
  Close();
  // Fresh readers have nothing in memory yet.
  OpenFaulty();
  SetFaultPlan({FaultOn::kRead, FaultWith::kIoError, 1, 1});
  const absl::Status status = Read([](View& view) {
    view.FindRequest("ann", "start");
    return absl::OkStatus();
  });
  EXPECT_TRUE(absl::IsUnavailable(status)) << status;
  SetFaultPlan({});
  ExpectAllKept();
}

// A power failure tears the log's tail: whole commits before the tear stay.
class TornLogTest : public FaultTest {
 protected:
  static constexpr int kJobs = 4;

  // Copies of database and log as a crash leaves them, and the log's size
  // after each commit.
  void MakeCrashedFiles() {
    Open();
    Submit(1, "j0");
    Close();  // folds the log into the database
    Open();
    for (int i = 1; i < kJobs; ++i) {
      Submit(1, "j" + std::to_string(i));
      ends_.push_back(static_cast<int64_t>(
          std::filesystem::file_size(database() + "-wal")));
    }
    std::filesystem::copy_file(database(), crashed_.path() + "/db");
    std::filesystem::copy_file(database() + "-wal", crashed_.path() + "/wal");
    Close();
  }

  // Puts the crashed files in place and damages the log at `offset`.
  template <class Damage>
  void ReopenDamaged(Damage damage) {
    store_.reset();
    const auto over = std::filesystem::copy_options::overwrite_existing;
    std::filesystem::remove(database() + "-shm");
    // Imitate a crash before these commits were acknowledged.
    std::filesystem::remove(LogMarkPath(database()));
    std::filesystem::copy_file(crashed_.path() + "/db", database(), over);
    std::filesystem::copy_file(crashed_.path() + "/wal", database() + "-wal",
                               over);
    damage(database() + "-wal");
    Open();
  }

  void ExpectPrefix(int64_t intact, const std::string& what) {
    int expected = 1;
    for (const int64_t end : ends_) expected += end <= intact ? 1 : 0;
    EXPECT_EQ(Ask("PRAGMA integrity_check"), "ok") << what;
    EXPECT_EQ(Ask("SELECT count(*) FROM jobs"), std::to_string(expected))
        << what;
    EXPECT_EQ(Ask("SELECT count(*) FROM events"), std::to_string(expected))
        << what;
  }

  TempFolder crashed_;
  std::vector<int64_t> ends_;
};

TEST_F(TornLogTest, CommitsBeforeACutSurvive) {
  MakeCrashedFiles();
  for (int64_t cut = 0; cut <= ends_.back(); cut += 512) {
    ReopenDamaged([&](const std::string& wal) {
      std::filesystem::resize_file(wal, static_cast<uintmax_t>(cut));
    });
    ExpectPrefix(cut, "cut at " + std::to_string(cut));
  }
}

TEST_F(TornLogTest, CommitsBeforeGarbageSurvive) {
  MakeCrashedFiles();
  for (int64_t at = 0; at < ends_.back(); at += 512) {
    ReopenDamaged([&](const std::string& wal) {
      std::fstream file(wal, std::ios::in | std::ios::out | std::ios::binary);
      file.seekp(at);
      file.write(std::string(512, '\x5a').data(), 512);
    });
    ExpectPrefix(at, "garbage at " + std::to_string(at));
  }
}

// A real full disk, where mounting one is allowed.
TEST_F(FaultTest, ARealFullDiskIsSaidSoAndForgottenOnceThereIsSpace) {
  if (mount("none", folder_.path().c_str(), "tmpfs", 0, "size=1m") != 0) {
    GTEST_SKIP() << "mounting a tmpfs is not permitted here";
  }
  Open();
  absl::Status status = absl::OkStatus();
  int submitted = 0;
  while (status.ok() && submitted < 10'000) {
    status = TrySubmit("s" + std::to_string(submitted++));
  }
  EXPECT_EQ(ReasonOf(status), Reason::kDiskFull) << status;
  ExpectAllKept();
  EXPECT_EQ(
      mount("none", folder_.path().c_str(), "tmpfs", MS_REMOUNT, "size=8m"), 0);
  // The writer may still fail at a write that it began on the full disk.
  const absl::Time end = absl::Now() + absl::Seconds(20);
  do {
    AwaitRecovery();
    status = TrySubmit("after");
  } while (!status.ok() && absl::Now() < end);
  EXPECT_TRUE(status.ok()) << status;
  EXPECT_TRUE(store_->Health().writable);
  ExpectAllKept();
  Close();
  umount(folder_.path().c_str());
}

TEST_F(FaultTest, OnARealFullDiskJobsCanBeDeletedAndNothingElseIsTaken) {
  if (mount("none", folder_.path().c_str(), "tmpfs", 0, "size=4m") != 0) {
    GTEST_SKIP() << "mounting a tmpfs is not permitted here";
  }
  SqliteStore::Options options = MakeOptions();
  options.ballast_bytes = 1 << 20;
  options.checkpoint_pages = 64;  // a quarter of the ballast, or so
  Open(std::move(options));
  absl::Status status = absl::OkStatus();
  int submitted = 0;
  const auto fill = [&] {
    do {
      status = TrySubmit("s" + std::to_string(submitted++));
    } while (status.ok() && submitted < 50'000);
    EXPECT_EQ(ReasonOf(status), Reason::kDiskFull) << status;
  };
  const auto try_remove = [&](int64_t id) {
    Signal answered;
    store_->Write(
        [id](Tx& tx) {
          tx.DeleteJob(JobId{id});
          return absl::OkStatus();
        },
        [&](absl::Status answer) {
          status = std::move(answer);
          answered.Notify();
        },
        {.makes_room = true});
    answered.Wait();
    return status;
  };
  // Removes a job as soon as the writer has recovered, in the ballast's room.
  const auto remove = [&](int64_t id) {
    while (!try_remove(id).ok()) {
      EXPECT_EQ(ReasonOf(status), Reason::kDiskFull) << status;
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
  };
  int64_t removed = 0;
  // Folding the log in gives room back, sometimes enough for the ballast.
  StoreHealth health;
  do {
    fill();
    remove(++removed);
    health = store_->Health();
  } while (health.writable || TrySubmit("no room").ok());
  EXPECT_NE(health.problem, "");
  while (removed < 50) remove(++removed);
  EXPECT_EQ(
      mount("none", folder_.path().c_str(), "tmpfs", MS_REMOUNT, "size=16m"),
      0);
  while (!TrySubmit("room").ok()) {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  EXPECT_TRUE(store_->Health().writable);
  EXPECT_EQ(store_->Health().problem, "");
  Close();
  umount(folder_.path().c_str());
}

}  // namespace
}  // namespace sheaf
