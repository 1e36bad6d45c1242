// The log is folded into the database while writes go on: nothing is lost, it
// stays short, and a disk that fails under it is noticed.
#include "queue/sqlite/log_fold.h"

#include <algorithm>
#include <thread>

#include "gmock/gmock.h"
#include "tests/sqlite/fault_vfs.h"
#include "tests/sqlite/store_fixture.h"

namespace sheaf {
namespace {

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
  while (writing > 0) {
    longest = std::max(longest, store_->Info().wal_bytes);
    EXPECT_TRUE(Read([](View& view) {
                  view.FindJob(JobId{1});
                  return absl::OkStatus();
                }).ok());
  }
  for (std::thread& writer : writers) writer.join();
  // A group more than where writes wait until it is short.
  EXPECT_LT(longest, 8 * kPages * kPageBytes);
  EXPECT_GT(longest, kPages * kPageBytes);
  EXPECT_EQ(Ask("SELECT count(*) FROM jobs"),
            std::to_string(kWriters * kEach));
  EXPECT_EQ(Ask("PRAGMA integrity_check"), "ok");
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
  HealthBoard health_;
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
  EXPECT_GT(Size(), before);
  EXPECT_EQ(db_.Number("SELECT length(a) FROM t"), 9000);
  // Nobody holds on to the log any more.
  EXPECT_TRUE(Checkpoint(db_, SQLITE_CHECKPOINT_TRUNCATE));
}

TEST_F(LogFoldAloneTest, AFailedSyncLeavesTheLogAsItIsForTheNextStart) {
  SetFaultPlan({FaultOn::kSync, FaultWith::kIoError, 1, 1});
  Fold();
  EXPECT_FALSE(health_.condemned().ok());
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
      if (health.problem.find("starts again") == std::string::npos) continue;
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
