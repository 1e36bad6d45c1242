#include "queue/sqlite/log_fold.h"

#include <cerrno>
#include <utility>

#include "base/crash_point.h"
#include "queue/error.h"

namespace sheaf {
namespace {

constexpr int kBusyForCheckpoint = 100;  // milliseconds

constexpr char kUnsafe[] =
    "the disk failed while the log was folded into the database. Nothing is "
    "lost: the log has all of it, and sheafd reads it again when it starts";

// As long as it lives the connection waits less for others.
class LessPatient {
 public:
  explicit LessPatient(Connection& db) : db_(db) {
    db_.SetBusyTimeout(kBusyForCheckpoint);
  }
  ~LessPatient() { db_.SetBusyTimeout(kBusyMilliseconds); }
  LessPatient(const LessPatient&) = delete;
  LessPatient& operator=(const LessPatient&) = delete;

 private:
  Connection& db_;
};

}  // namespace

bool Checkpoint(Connection& db, int mode) {
  const LessPatient patience(db);
  const crash_point::During during("mid-checkpoint");
  int pages = 0;
  int folded = 0;
  const int code =
      sqlite3_wal_checkpoint_v2(db.handle(), "main", mode, &pages, &folded);
  if (code == SQLITE_OK) return pages == folded;
  if ((code & 0xff) == SQLITE_BUSY) return false;
  // A used-up quota has another error code.
  const bool is_full = sqlite3_system_errno(db.handle()) == EDQUOT;
  throw SQLite::Exception(sqlite3_errmsg(db.handle()),
                          is_full ? SQLITE_FULL : code);
}

void SyncFolded(Connection& db, HealthBoard* health) {
  sqlite3_file* file = nullptr;
  sqlite3_file_control(db.handle(), "main", SQLITE_FCNTL_FILE_POINTER, &file);
  const int code = file->pMethods->xSync(file, SQLITE_SYNC_NORMAL);
  if (code == SQLITE_OK) return;
  // A second sync may succeed without having written what this could not.
  health->Distrust(Error(Reason::kStoreUnavailable, kUnsafe));
  throw SQLite::Exception(sqlite3_errstr(code), code);
}

void LogFold::Begin() {
  under_way_ = true;
  thread_.Run([this] {
    try {
      begun_ = Hold();
      if (begun_) Run();
    } catch (...) {
      failure_ = std::current_exception();
    }
    under_way_ = false;
    under_way_.notify_all();
  });
}

// Whether the fold holds on to the log. It does not where no file descriptors
// are left, which is no fault of the disk.
bool LogFold::Hold() {
  try {
    for (auto* db : {&holder_, &folder_}) {
      if (*db != nullptr) continue;
      *db = std::make_unique<Connection>(path_, Connection::Use::kRead, vfs_);
    }
    holder_->Execute("BEGIN");
    holder_->Number("SELECT count(*) FROM sqlite_schema");
    folder_->Execute("PRAGMA synchronous = OFF");
    return true;
  } catch (const SQLite::Exception&) {
    holder_.reset();
    folder_.reset();
    return false;
  }
}

void LogFold::Run() {
  Checkpoint(*folder_, SQLITE_CHECKPOINT_PASSIVE);
  unsafe_ = true;
  SyncFolded(*folder_, health_);
  unsafe_ = false;
  holder_->Execute("COMMIT");
}

bool LogFold::Check() {
  if (failure_ != nullptr) {
    const std::exception_ptr failure = failure_;
    Close();
    std::rethrow_exception(failure);
  }
  return std::exchange(begun_, true);
}

void LogFold::Close() {
  Wait();
  failure_ = nullptr;
  begun_ = true;
  if (unsafe_) return;  // it stays held on to
  holder_.reset();
  folder_.reset();
}

}  // namespace sheaf
