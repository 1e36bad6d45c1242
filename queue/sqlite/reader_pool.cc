#include "queue/sqlite/reader_pool.h"

#include <chrono>

#include "queue/error.h"
#include "queue/sqlite/fault.h"
#include "queue/sqlite/sqlite_view.h"
#include "queue/sqlite/statements.h"

namespace sheaf {
namespace {

using std::chrono::steady_clock;

absl::Status CallerLeft() {
  return Error(Reason::kCallCancelled, "the caller has left");
}

// Ends a read that takes too long or that nobody waits for. A long one keeps
// the WAL from shrinking, so each has a limit.
class ReadLimit {
 public:
  ReadLimit(Connection& db, absl::Duration limit,
            const std::function<bool()>& cancelled)
      : db_(db),
        limit_(limit),
        deadline_(steady_clock::now() + absl::ToChronoNanoseconds(limit)),
        cancelled_(cancelled) {
    sqlite3_progress_handler(db.handle(), kStepsBetweenLooks, Look, this);
  }
  ~ReadLimit() { sqlite3_progress_handler(db_.handle(), 0, nullptr, nullptr); }

  // Why the read was ended; OK where it was not.
  const absl::Status& status() const { return status_; }

 private:
  static int Look(void* limit) {
    return static_cast<ReadLimit*>(limit)->IsOver();
  }
  bool IsOver() {
    if (cancelled_ && cancelled_()) {
      status_ = CallerLeft();
    } else if (steady_clock::now() > deadline_) {
      status_ = WithRetryAfter(
          Error(Reason::kOverloaded,
                "the answer would take longer than " +
                    absl::FormatDuration(limit_) +
                    " to find; ask for less, or by a narrower filter"),
          absl::Seconds(10));
    }
    return !status_.ok();
  }

  Connection& db_;
  const absl::Duration limit_;
  const steady_clock::time_point deadline_;
  const std::function<bool()>& cancelled_;
  absl::Status status_;
};

}  // namespace

ReaderPool::ReaderPool(Options options, Runner* refusals)
    : options_(std::move(options)),
      refusals_(refusals),
      line_({.waiting_max = static_cast<size_t>(options_.reads_max),
             .group_running_max = options_.group_running_max}) {
  for (int i = 0; i < options_.threads; ++i) {
    threads_.emplace_back([this] { Loop(); });
  }
}

void ReaderPool::Stop() {
  line_.Close();
  for (std::thread& thread : threads_) {
    if (thread.joinable()) thread.join();
  }
}

void ReaderPool::Read(Store::ReadCase use_case, Store::Done done,
                      CallOptions options) {
  Task task{std::move(use_case), std::move(done), std::move(options.cancelled)};
  if (auto refused = line_.Push(options, std::move(task))) {
    Refuse(*std::move(refused));
  }
}

// Answers on another thread: the caller may hold locks that the answer takes.
void ReaderPool::Refuse(Line::Refused refused) {
  absl::Status status = Error(Reason::kServerStopping, "the store is closed");
  if (refused.why == Line::Why::kFull) {
    status = WithRetryAfter(
        Error(Reason::kOverloaded, "too many reads wait already"),
        absl::Seconds(1));
  }
  refusals_->Run([task = std::move(refused.task),
                  status = std::move(status)]() mutable { task.done(status); });
}

void ReaderPool::Loop() {
  std::unique_ptr<Connection> db;
  while (auto turn = line_.Take()) {
    const auto before = steady_clock::now();
    Task& task = turn->task;
    absl::Status status =
        task.cancelled && task.cancelled() ? CallerLeft() : RunOn(&db, task);
    line_.End(*turn, steady_clock::now() - before);
    task.done(std::move(status));
  }
}

absl::Status ReaderPool::RunOn(std::unique_ptr<Connection>* db, Task& task) {
  options_.gate->Pass();
  absl::Status ended;
  try {
    if (*db == nullptr) {
      *db = std::make_unique<Connection>(options_.path, Connection::Use::kRead,
                                         options_.vfs);
    }
    ReadLimit limit(**db, options_.read_time_max, task.cancelled);
    try {
      (*db)->Run(sql::kBeginRead);
      SqliteView view(**db, options_.now());
      absl::Status status = task.use_case(view);
      (*db)->Run(sql::kRollback);
      return status;
    } catch (const std::exception&) {
      ended = limit.status();
      throw;
    }
  } catch (const std::exception& thrown) {
    // A fresh connection is cheap beside finding out what this one is still
    // good for.
    db->reset();
    if (!ended.ok()) return ended;
    const Fault fault = FaultOf(thrown);
    options_.log("a read failed: " + fault.text);
    return fault.status;
  }
}

}  // namespace sheaf
