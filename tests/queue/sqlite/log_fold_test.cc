// The log is folded into the database while writes go on: nothing is lost, it
// stays short, and a disk that fails under it is noticed.
#include "queue/sqlite/log_fold.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <filesystem>
#include <thread>

#include "gmock/gmock.h"
#include "queue/error.h"
#include "tests/queue/sqlite/fault_vfs.h"
#include "tests/queue/sqlite/store_fixture.h"
#include "tests/queue/sqlite/through_vfs.h"

namespace sheaf {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int64_t kPageBytes = 4096;

class LogFoldTest : public StoreTest {
 protected:
  ~LogFoldTest() override { SetFaultPlan({}); }
};

TEST_F(LogFoldTest, TheLogStaysShortThoughWritesNeverPause) {
  constexpr int kPages = 64;
  constexpr int kWriters = 4;
  constexpr int kEach = 1500;
  auto options = MakeOptions();
  options.checkpoint_pages = kPages;
  Open(std::move(options));
  std::vector<std::thread> writers;
  std::atomic<int> writing = kWriters;
  for (int w = 0; w < kWriters; ++w) {
    writers.emplace_back([&, w] {
      for (int i = 0; i < kEach; ++i) {
        const std::string id = std::to_string(w) + "/" + std::to_string(i);
        const absl::Status status = Write([&](Tx& tx) {
          SubmitTo(tx, 2, id);
          return absl::OkStatus();
        });
        EXPECT_TRUE(status.ok()) << status;
      }
      --writing;
    });
  }
  int64_t longest = 0;
  Clock::duration longest_read{};
  while (writing > 0) {
    longest = std::max(longest, store_->Info().wal_bytes);
    const Clock::time_point begin = Clock::now();
    EXPECT_TRUE(Read([](View& view) {
                  view.FindJob(JobId{1});
                  return absl::OkStatus();
                }).ok());
    longest_read = std::max(longest_read, Clock::now() - begin);
  }
  for (std::thread& writer : writers) writer.join();
  // Writes wait until the log is short; the bound leaves room for one more
  // group. A read that a busy machine holds up keeps the log as it is: every
  // tenth of a second the writer goes on with a group, of fewer pages than
  // these.
  const int64_t waits = longest_read / std::chrono::milliseconds(100);
  EXPECT_LT(longest, (8 + waits) * kPages * kPageBytes);
  EXPECT_GT(longest, kPages * kPageBytes);
  EXPECT_EQ(Ask("SELECT count(*) FROM jobs"), std::to_string(kWriters * kEach));
  EXPECT_EQ(Ask("PRAGMA integrity_check"), "ok");
}

// While this is set, each sync of the database takes some tenths of a second.
std::atomic<bool> g_slow = false;

int SyncSlowly(sqlite3_file* file, int flags) {
  for (int i = 0; i < 30 && g_slow && NameOfFile(file) == "sheaf.db"; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return RealMethods(file).xSync(RealFile(file), flags);
}

TEST_F(LogFoldTest, WritesWaitForAFoldThatTakesTooLong) {
  static ThroughVfs vfs;
  PassThrough("sheaf-slow", &vfs);
  vfs.methods.xSync = SyncSlowly;
  sqlite3_vfs_register(&vfs.vfs, /*makeDflt=*/0);
  constexpr int kPages = 64;
  auto options = MakeOptions();
  options.vfs = "sheaf-slow";
  options.checkpoint_pages = kPages;
  Open(std::move(options));
  g_slow = true;
  int64_t longest = 0;
  for (int i = 0; i < 150 && longest < 8 * kPages * kPageBytes; ++i) {
    Submit(2);
    longest = std::max(longest, store_->Info().wal_bytes);
  }
  g_slow = false;
  EXPECT_LT(longest, 8 * kPages * kPageBytes);
  EXPECT_GT(longest, kPages * kPageBytes);
}

TEST_F(LogFoldTest, ReadsThatOverlapDoNotKeepTheLogLong) {
  constexpr int kMost = 512;
  auto options = MakeOptions();
  options.checkpoint_pages = 64;
  options.log_pages_max = kMost;
  options.reader_threads = 4;
  Open(std::move(options));
  std::atomic<bool> over = false;
  std::atomic<int> read = 0;
  std::vector<std::thread> readers;
  for (int i = 0; i < 4; ++i) {
    readers.emplace_back([&, i] {
      // The readers start one after another, so that one is always reading.
      std::this_thread::sleep_for(std::chrono::milliseconds(40 * i));
      while (!over) {
        EXPECT_TRUE(Read([&](View& view) {
                      view.FindJob(JobId{1});
                      std::this_thread::sleep_for(
                          std::chrono::milliseconds(150));
                      ++read;
                      return absl::OkStatus();
                    }).ok());
      }
    });
  }
  int64_t longest = 0;
  for (int i = 0; i < 800; ++i) {
    EXPECT_TRUE(Write([&](Tx& tx) {
                  SubmitTo(tx, 2);
                  return absl::OkStatus();
                }).ok());
    longest = std::max(longest, store_->Info().wal_bytes);
  }
  over = true;
  for (std::thread& reader : readers) reader.join();
  EXPECT_LT(longest, 4 * kMost * kPageBytes);
  EXPECT_GT(read, 20);
}

TEST_F(LogFoldTest, ACheckGivesWayToALogThatGrows) {
  auto options = MakeOptions();
  options.checkpoint_pages = 64;
  options.log_pages_max = 512;
  Open(std::move(options));
  Submit(50'000);
  absl::StatusOr<std::vector<std::string>> problems;
  Signal ended;
  std::atomic<bool> has_ended = false;
  store_->CheckIntegrity(
      /*full=*/true,
      [] {
        std::this_thread::sleep_for(std::chrono::milliseconds(100));
        return false;
      },
      [&](absl::StatusOr<std::vector<std::string>> answer) {
        problems = std::move(answer);
        has_ended = true;
        ended.Notify();
      });
  int64_t longest = 0;
  for (int i = 0; i < 4000 && !has_ended; ++i) {
    Submit();
    longest = std::max(longest, store_->Info().wal_bytes);
  }
  ended.Wait();
  EXPECT_EQ(ReasonOf(problems.status()), Reason::kOverloaded)
      << problems.status();
  EXPECT_LT(longest, 64 << 20);
}

TEST(LogGateTest, OpensThoughTheLogStaysLongAndLeavesItSoForAWhile) {
  LogGate gate;
  auto now = LogGate::Clock::now();
  gate.Note(10, 10, now);
  EXPECT_FALSE(gate.is_closed());
  gate.Note(11, 10, now);
  EXPECT_TRUE(gate.is_closed());
  gate.Note(6, 10, now);
  EXPECT_TRUE(gate.is_closed());
  gate.Note(5, 10, now);
  EXPECT_FALSE(gate.is_closed());
  gate.Note(11, 10, now);
  now += LogGate::kClosedMax + std::chrono::seconds(1);
  gate.Note(20, 10, now);
  EXPECT_FALSE(gate.is_closed());
  EXPECT_TRUE(gate.gave_up());
  gate.Note(30, 10, now + std::chrono::minutes(1));
  EXPECT_FALSE(gate.is_closed());
  gate.Note(30, 10, now + LogGate::kOpenLeast);
  EXPECT_TRUE(gate.is_closed());
  gate.Note(1, 10, now + LogGate::kOpenLeast);
  gate.Note(1, 10, now + LogGate::kOpenLeast);
  EXPECT_FALSE(gate.gave_up());
}

// A database with a log, a fold of it, and a disk that fails on order.
class LogFoldAloneTest : public LogFoldTest {
 protected:
  LogFoldAloneTest() {
    db_.Execute("CREATE TABLE t(a); INSERT INTO t VALUES (randomblob(9000))");
  }

  void Fold() {
    fold_.Begin();
    fold_.Wait();
  }
  auto Size() { return std::filesystem::file_size(path_); }

  const std::string path_ = folder_.path() + "/plain.db";
  Connection db_{path_, Connection::Use::kWrite, FaultVfsName()};
  std::atomic<int> distrusted_ = 0;
  HealthBoard health_{[this](const std::string&) { ++distrusted_; }};
  LogFold fold_{path_, FaultVfsName(), &health_};
};

TEST_F(LogFoldAloneTest, AFailedWriteIsThrownOnceAndMayBeTriedAgain) {
  const auto before = Size();
  SetFaultPlan({FaultOn::kWrite, FaultWith::kIoError, 1, 1000});
  Fold();
  EXPECT_THROW(fold_.Check(), SQLite::Exception);
  EXPECT_NO_THROW(fold_.Check());
  SetFaultPlan({});
  Fold();
  EXPECT_NO_THROW(fold_.Check());
  EXPECT_TRUE(health_.condemned().ok());
  EXPECT_EQ(distrusted_, 0);
  EXPECT_GT(Size(), before);
  EXPECT_EQ(db_.Number("SELECT length(a) FROM t"), 9000);
  // The log is no longer in use.
  EXPECT_TRUE(Checkpoint(db_, SQLITE_CHECKPOINT_TRUNCATE));
}

TEST_F(LogFoldAloneTest, AFailedSyncLeavesTheLogAsItIsForTheNextStart) {
  SetFaultPlan({FaultOn::kSync, FaultWith::kIoError, 1, 1});
  Fold();
  EXPECT_FALSE(health_.condemned().ok());
  EXPECT_EQ(distrusted_, 1);
  fold_.Close();
  EXPECT_FALSE(Checkpoint(db_, SQLITE_CHECKPOINT_TRUNCATE));
  db_.Execute("INSERT INTO t VALUES (1)");
  EXPECT_GT(std::filesystem::file_size(path_ + "-wal"), 2 * kPageBytes);
}

TEST_F(LogFoldTest, ADiskThatFailsUnderItLosesNothing) {
  auto options = MakeOptions();
  options.vfs = FaultVfsName();
  options.checkpoint_pages = 8;
  Open(options);
  int acknowledged = 0;
  int condemned = 0;
  for (int64_t at = 1; at < 60; ++at) {
    SetFaultPlan({FaultOn::kSync, FaultWith::kIoError, at, 2});
    for (int i = 0; i < 12; ++i) {
      const absl::Status status = Write([&](Tx& tx) {
        SubmitTo(tx, 2);
        return absl::OkStatus();
      });
      acknowledged += status.ok() ? 1 : 0;
    }
    SetFaultPlan({});
    StoreHealth health = store_->Health();
    for (; !health.writable; health = store_->Health()) {
      if (health.problem.find("reads it again") == std::string::npos) continue;
      ++condemned;
      Open(options);
    }
  }
  EXPECT_GT(condemned, 0);
  EXPECT_EQ(Ask("SELECT count(*) FROM jobs"), std::to_string(acknowledged));
  EXPECT_EQ(Ask("PRAGMA integrity_check"), "ok");
}

}  // namespace
}  // namespace sheaf
