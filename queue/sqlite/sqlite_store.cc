#include "queue/sqlite/sqlite_store.h"

#include <filesystem>
#include <mutex>
#include <utility>

#include "base/files.h"
#include "base/status.h"
#include "queue/error.h"
#include "queue/sqlite/backup.h"
#include "queue/sqlite/disk/found_log.h"
#include "queue/sqlite/disk/log_mark.h"
#include "queue/sqlite/fault.h"
#include "queue/sqlite/migrate.h"
#include "queue/sqlite/recount.h"
#include "queue/sqlite/statements.h"

namespace sheaf {
namespace {

constexpr int kChecksMax = 2;

absl::Status CheckYields() {
  return WithRetryAfter(
      Error(Reason::kOverloaded,
            "the check was ended: the log would have grown too long, because "
            "so much is being written; ask again when less is written"),
      absl::Seconds(60));
}

absl::Status CheckEnded() {
  return Error(
      Reason::kCallCancelled,
      "the check was ended because the caller left or the server stops");
}

// Without its global count of bytes, SQLite's allocations take no lock.
void ConfigureSqliteOnce() {
  static std::once_flag once;
  std::call_once(once, [] { sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0); });
}

// 3.7.0 to 3.51.2 can corrupt the WAL when two connections write or checkpoint
// at once; the fix also went into 3.50.7 and 3.44.6.
bool HasWalBug(int version) {
  return version < 3051003 && version != 3050007 && version != 3044006;
}

std::string WalBugWarning() {
  return "SQLite " + std::string(sqlite3_libversion()) +
         " can damage the write-ahead log when two connections write at once "
         "(fixed in 3.51.3). Sheaf writes by one connection only; do not write "
         "to the file by other programs while the server runs.";
}

absl::Status CheckNow(Connection& db) {
  Query check = db.AskOnce("PRAGMA quick_check(1)");
  if (check.Step()) {
    const std::string answer(check.Text());
    if (answer != "ok") return Error(Reason::kStoreCorrupt, answer);
  }
  return absl::OkStatus();
}

Writer::Options WriterOptions(const SqliteStore::Options& options,
                              const std::string& path) {
  Writer::Options writer;
  writer.path = path;
  writer.vfs = options.vfs;
  writer.group_max = options.group_max;
  writer.writes_max = options.writes_max;
  writer.recovery_delay_min = options.recovery_delay_min;
  writer.unknown_max = options.unknown_max;
  writer.closure_time_max = options.closure_time_max;
  writer.checkpoint_pages = options.checkpoint_pages;
  writer.log_pages_max = options.log_pages_max;
  writer.ballast_bytes = options.ballast_bytes;
  writer.clock = options.clock;
  writer.observer = options.observer;
  writer.log = options.log;
  return writer;
}

ReaderPool::Options ReaderOptions(const SqliteStore::Options& options,
                                  const std::string& path, Writer* writer,
                                  LogGate* gate, CallOptions::Length length) {
  ReaderPool::Options readers;
  readers.gate = gate;
  readers.path = path;
  readers.vfs = options.vfs;
  const bool scans = length == CallOptions::Length::kScan;
  readers.threads = scans ? options.scan_threads : options.reader_threads;
  readers.group_running_max = scans ? 1 : 0;
  readers.reads_max = options.reads_max;
  readers.read_time_max = options.read_time_max;
  readers.now = [writer] { return writer->Now(); };
  readers.log = options.log;
  return readers;
}

}  // namespace

std::string DatabasePath(const std::string& directory) {
  return directory + "/sheaf.db";
}

std::string LockPath(const std::string& directory) {
  return directory + "/sheaf.lock";
}

absl::StatusOr<SqliteStore::Opened> SqliteStore::OpenDatabase(
    const Options& options, const std::string& path) {
  try {
    RenewFoundLog(path, options.vfs);
    Opened opened;
    opened.db = std::make_unique<Connection>(path, Connection::Use::kWrite,
                                             options.vfs);
    if (FileSize(path) < options.boot_check_bytes_max) {
      SHEAF_RETURN_IF_ERROR(CheckNow(*opened.db));
    }
    SHEAF_RETURN_IF_ERROR(
        Migrate(*opened.db, path, Migrations(), options.clock()));
    opened.keeper =
        std::make_unique<Connection>(path, Connection::Use::kRead, options.vfs);
    SHEAF_ASSIGN_OR_RETURN(
        opened.mark,
        LogMark::Open(path, opened.keeper->Number(sql::kLastEvent)));
    return opened;
  } catch (const std::exception& thrown) {
    return FaultOf(thrown).status;
  }
}

absl::StatusOr<std::unique_ptr<SqliteStore>> SqliteStore::Open(
    Options options) {
  ConfigureSqliteOnce();
  std::error_code error;
  std::filesystem::create_directories(options.directory, error);
  if (IsOnNetwork(options.directory)) {
    return Error(Reason::kStoreUnavailable,
                 options.directory +
                     " is on a network file system, whose locks are not "
                     "reliable; choose a local disk");
  }
  SHEAF_ASSIGN_OR_RETURN(LockFile lock,
                         LockFile::Acquire(LockPath(options.directory)));
  SHEAF_ASSIGN_OR_RETURN(
      Opened opened, OpenDatabase(options, DatabasePath(options.directory)));
  return std::unique_ptr<SqliteStore>(
      new SqliteStore(std::move(options), std::move(lock), std::move(opened)));
}

SqliteStore::SqliteStore(Options options, LockFile lock, Opened opened)
    : options_(std::move(options)),
      path_(DatabasePath(options_.directory)),
      lock_(std::move(lock)),
      keeper_(std::move(opened.keeper)),
      health_(options_.on_distrust),
      writer_(WriterOptions(options_, path_), std::move(opened.db),
              std::move(opened.mark), &health_, &gate_,
              {&completions_, &refusals_, &background_}),
      readers_(ReaderOptions(options_, path_, &writer_, &gate_,
                             CallOptions::Length::kShort),
               &refusals_),
      scans_(ReaderOptions(options_, path_, &writer_, &gate_,
                           CallOptions::Length::kScan),
             &refusals_) {
  if (HasWalBug(sqlite3_libversion_number())) {
    health_.AddWarning(WalBugWarning());
  }
  if (FileSize(path_) < options_.boot_check_bytes_max) {
    health_.SetBootCheck("ok");
  } else if (options_.background_check) {
    CheckInBackground();
  } else {
    health_.SetBootCheck("off");
  }
}

// All threads end before anything goes: an answer may ask the store again.
SqliteStore::~SqliteStore() {
  closing_ = true;
  writer_.Stop();
  readers_.Stop();
  scans_.Stop();
  checking_.Stop();
  background_.Stop();
  completions_.Stop();
  refusals_.Stop();
}

void SqliteStore::CheckInBackground() {
  health_.SetBootCheck("running");
  // Checks the file alone: wrong counts are no reason to write no more.
  Check([](Connection& db) { return ProblemsOf(db.database(), false); },
        /*cancelled=*/nullptr,
        [this](absl::StatusOr<std::vector<std::string>> problems) {
          NoteBootCheck(problems);
        });
}

void SqliteStore::NoteBootCheck(
    const absl::StatusOr<std::vector<std::string>>& problems) {
  if (closing_) return;  // it was ended, and says nothing
  if (ReasonOf(problems.status()) == Reason::kOverloaded) {
    return health_.SetBootCheck("ended early: too much was written meanwhile");
  }
  if (problems.ok() && problems->empty()) return health_.SetBootCheck("ok");
  const std::string problem = problems.ok()
                                  ? problems->front()
                                  : std::string(problems.status().message());
  options_.log("the check of the database failed: " + problem);
  // A check that could not be made says nothing about the file.
  if (problems.ok() || absl::IsDataLoss(problems.status())) {
    health_.Condemn(Error(Reason::kStoreCorrupt, problem));
  }
  health_.SetBootCheck("failed: " + problem);
}

void SqliteStore::StartWrite(WriteCase use_case, Done done,
                             CallOptions options) {
  writer_.Write(std::move(use_case), std::move(done), std::move(options));
}

void SqliteStore::StartRead(ReadCase use_case, Done done, CallOptions options) {
  ReaderPool& pool =
      options.length == CallOptions::Length::kScan ? scans_ : readers_;
  pool.Read(std::move(use_case), std::move(done), std::move(options));
}

StoreInfo SqliteStore::Info() const {
  StoreInfo info;
  info.schema_version = static_cast<int>(Migrations().size());
  info.engine = "sqlite";
  info.engine_version = sqlite3_libversion();
  info.database_bytes = FileSize(path_);
  info.wal_bytes = FileSize(path_ + "-wal");
  return info;
}

absl::Status SqliteStore::CheckBackupName(const std::string& name) const {
  return sheaf::CheckBackupName(name);
}

void SqliteStore::Backup(BackupOrder order, BackupDone done) {
  writer_.Backup(std::move(order), std::move(done));
}

int SqliteStore::SweepBackups(const std::string& folder) const {
  return sheaf::SweepBackups(folder);
}

void SqliteStore::CheckIntegrity(bool full, std::function<bool()> cancelled,
                                 CheckDone done) {
  if (checks_.fetch_add(1) >= kChecksMax) {
    --checks_;
    return done(WithRetryAfter(
        Error(Reason::kOverloaded, "the database is being checked already"),
        absl::Seconds(10)));
  }
  Check(
      [full](Connection& db) {
        std::vector<std::string> problems = ProblemsOf(db.database(), full);
        for (std::string& line : Miscounts(db)) {
          problems.push_back(std::move(line));
        }
        return problems;
      },
      std::move(cancelled),
      [this, done = std::move(done)](auto problems) mutable {
        --checks_;
        done(std::move(problems));
      });
}

void SqliteStore::Check(
    std::function<std::vector<std::string>(Connection&)> look,
    std::function<bool()> cancelled, CheckDone done) {
  checking_.Run([this, look = std::move(look), cancelled = std::move(cancelled),
                 done = std::move(done)]() mutable {
    bool yields = false;
    const std::function<bool()> ends = [&] {
      yields = gate_.is_closed();
      return yields || closing_ || (cancelled && cancelled());
    };
    gate_.Pass();
    if (ends()) return done(yields ? CheckYields() : CheckEnded());
    try {
      Connection db(path_, Connection::Use::kRead, options_.vfs);
      sqlite3_progress_handler(
          db.handle(), kStepsBetweenLooks,
          [](void* ends) -> int {
            return (*static_cast<const std::function<bool()>*>(ends))();
          },
          const_cast<std::function<bool()>*>(&ends));
      // One snapshot: counts and runs change together.
      db.Run(sql::kBeginRead);
      done(look(db));
    } catch (const std::exception& thrown) {
      // SQLite's code tells a check that was ended from one that failed.
      const Fault fault = FaultOf(thrown);
      if (fault.kind != FaultKind::kStopped) return done(fault.status);
      done(yields ? CheckYields() : CheckEnded());
    }
  });
}

}  // namespace sheaf
