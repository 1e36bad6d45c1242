#include "queue/sqlite/log_fold.h"

#include <cerrno>
#include <utility>

#include "base/crash_point.h"
#include "queue/error.h"

namespace sheaf {
namespace {

constexpr int kBusyForCheckpoint = 100;  // milliseconds

// A second sync may succeed without having written what the first could not,
// and SQLite does not fold in a page twice.
constexpr char kUnsafe[] =
    "the disk failed while the log was folded into the database. Nothing is "
    "lost: the log has it all, and is read anew when sheafd starts again";

void Sync(Connection& db) {
  sqlite3_file* file = nullptr;
  sqlite3_file_control(db.handle(), "main", SQLITE_FCNTL_FILE_POINTER, &file);
  const int code = file->pMethods->xSync(file, SQLITE_SYNC_NORMAL);
  if (code != SQLITE_OK) throw SQLite::Exception(sqlite3_errstr(code), code);
}

}  // namespace

bool Checkpoint(Connection& db, int mode) {
  db.SetBusyTimeout(kBusyForCheckpoint);
  int code = SQLITE_OK;
  int pages = 0;
  int folded = 0;
  {
    const crash_point::During during("mid-checkpoint");
    code = sqlite3_wal_checkpoint_v2(db.handle(), "main", mode, &pages,
                                     &folded);
  }
  if (code != SQLITE_OK && (code & 0xff) != SQLITE_BUSY) {
    // A quota goes by another name.
    const bool is_full = sqlite3_system_errno(db.handle()) == EDQUOT;
    throw SQLite::Exception(sqlite3_errmsg(db.handle()),
                            is_full ? SQLITE_FULL : code);
  }
  db.SetBusyTimeout(kBusyMilliseconds);
  return code == SQLITE_OK && pages == folded;
}

void LogFold::Begin() {
  under_way_ = true;
  thread_.Run([this] {
    try {
      Run();
    } catch (...) {
      failure_ = std::current_exception();
    }
    under_way_ = false;
    under_way_.notify_all();
  });
}

void LogFold::Run() {
  for (auto* db : {&holder_, &folder_}) {
    if (*db == nullptr) {
      *db = std::make_unique<Connection>(path_, Connection::Use::kRead, vfs_);
    }
  }
  holder_->Execute("BEGIN");
  holder_->Number("SELECT count(*) FROM sqlite_schema");
  folder_->Execute("PRAGMA synchronous = OFF");
  Checkpoint(*folder_, SQLITE_CHECKPOINT_PASSIVE);
  try {
    Sync(*folder_);
  } catch (...) {
    unsafe_ = true;
    health_->Condemn(Error(Reason::kStoreUnavailable, kUnsafe));
    throw;
  }
  holder_->Execute("COMMIT");
}

void LogFold::Check() {
  if (failure_ == nullptr) return;
  const std::exception_ptr failure = failure_;
  Close();
  std::rethrow_exception(failure);
}

void LogFold::Close() {
  Wait();
  failure_ = nullptr;
  if (unsafe_) return;  // it stays held on to
  holder_.reset();
  folder_.reset();
}

}  // namespace sheaf
