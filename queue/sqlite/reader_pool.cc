#include "queue/sqlite/reader_pool.h"

#include <chrono>

#include "queue/error.h"
#include "queue/sqlite/fault.h"
#include "queue/sqlite/sqlite_view.h"
#include "queue/sqlite/statements.h"

namespace sheaf {
namespace {

using SteadyTime = std::chrono::steady_clock::time_point;

// How many steps of SQLite's machine between two looks at the clock: some
// hundred microseconds.
constexpr int kStepsBetweenLooks = 20'000;

int StopWhenLate(void* deadline) {
  return std::chrono::steady_clock::now() >
         *static_cast<const SteadyTime*>(deadline);
}

// A long read keeps the WAL from shrinking, so each has a limit.
class TimeLimit {
 public:
  TimeLimit(Connection& db, absl::Duration limit)
      : db_(db),
        deadline_(std::chrono::steady_clock::now() +
                  absl::ToChronoNanoseconds(limit)) {
    sqlite3_progress_handler(db.handle(), kStepsBetweenLooks, StopWhenLate,
                             &deadline_);
  }
  ~TimeLimit() { sqlite3_progress_handler(db_.handle(), 0, nullptr, nullptr); }

 private:
  Connection& db_;
  SteadyTime deadline_;
};

}  // namespace

ReaderPool::ReaderPool(Options options) : options_(std::move(options)) {
  for (int i = 0; i < options_.threads; ++i) {
    threads_.emplace_back([this] { Loop(); });
  }
}

void ReaderPool::Stop() {
  tasks_.Close();
  for (std::thread& thread : threads_) {
    if (thread.joinable()) thread.join();
  }
}

void ReaderPool::Read(Store::ReadCase use_case, Store::Done done) {
  if (under_way_.fetch_add(1) >= options_.reads_max) {
    --under_way_;
    return done(WithRetryAfter(
        Error(Reason::kOverloaded, "too many reads wait already"),
        absl::Seconds(1)));
  }
  Task task{std::move(use_case), std::move(done)};
  if (tasks_.Push(task)) return;
  --under_way_;
  task.done(Error(Reason::kServerStopping, "the store is closed"));
}

void ReaderPool::Loop() {
  std::unique_ptr<Connection> db;
  while (auto task = tasks_.Take()) {
    absl::Status status = RunOn(&db, *task);
    task->done(std::move(status));
    --under_way_;
  }
}

absl::Status ReaderPool::RunOn(std::unique_ptr<Connection>* db, Task& task) {
  try {
    if (*db == nullptr) {
      *db = std::make_unique<Connection>(options_.path, Connection::Use::kRead,
                                         options_.vfs);
    }
    TimeLimit limit(**db, options_.read_time_max);
    (*db)->Run(sql::kBeginRead);
    SqliteView view(**db, options_.now());
    absl::Status status = task.use_case(view);
    (*db)->Run(sql::kRollback);
    return status;
  } catch (const std::exception& thrown) {
    // A fresh connection is cheap beside finding out what this one is still
    // good for.
    db->reset();
    const Fault fault = FaultOf(thrown);
    options_.log("a read failed: " + fault.text);
    return fault.status;
  }
}

}  // namespace sheaf
