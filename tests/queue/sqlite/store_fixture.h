// The parts that the tests of the store share: a directory that goes away, a
// clock that stands until told, and builders with defaults.
#pragma once

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "queue/sqlite/sqlite_store.h"
#include "tests/base/temp_folder.h"

namespace sheaf {

// Something that happens once and can be waited for. On std, whose locks the
// thread sanitizer sees; it does not see those of Debian's Abseil.
class Signal {
 public:
  void Notify() {
    std::lock_guard lock(mutex_);
    happened_ = true;
    changed_.notify_all();
  }
  void Wait() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return happened_; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool happened_ = false;  // guarded by mutex_
};

// Like WriteAndWait and ReadAndWait, with a Signal.
absl::Status WriteTo(Store& store, Store::WriteCase use_case);
absl::Status ReadFrom(Store& store, Store::ReadCase use_case);

class StoreTest : public ::testing::Test {
 protected:
  // The options that the tests use; change what you need.
  SqliteStore::Options MakeOptions();
  // Opens (again) the store in the test's folder.
  void Open() { Open(MakeOptions()); }
  void Open(SqliteStore::Options options);
  absl::Status TryOpen(SqliteStore::Options options);
  void Close() { store_.reset(); }

  absl::Status Write(Store::WriteCase use_case);
  absl::Status Read(Store::ReadCase use_case);
  // Writes a job with `runs` waiting runs in queue "default".
  JobId Submit(int runs = 1, const std::string& request_id = "");
  // The answer of a fresh connection to `sql`, which asks for one number or
  // text.
  std::string Ask(const std::string& sql);

  std::string database() const { return DatabasePath(folder_.path()); }

  TempFolder folder_;
  std::atomic<int64_t> clock_ms_ = 1'700'000'000'000;
  std::atomic<int> commits_ = 0;
  Committed last_commit_;
  std::unique_ptr<SqliteStore> store_;
};

// Parts of a submit, as the use case would do it.
Lane MakeLane();
Queue MakeQueue(const std::string& name, absl::Time now);
// Inserts a job with `count` waiting runs, its queue's counts and its event.
JobId SubmitTo(Tx& tx, int count, const std::string& request_id = "");
// LeaseFrom takes the first waiting runs of the default lane; FinishAll ends
// them well.
Batch LeaseFrom(Tx& tx, int count);
void FinishAll(Tx& tx, const Batch& batch);

}  // namespace sheaf
