#include "queue/sqlite/offline/restore.h"

#include <SQLiteCpp/SQLiteCpp.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <map>
#include <optional>

#include "base/files.h"
#include "base/status.h"
#include "queue/error.h"
#include "queue/sqlite/backup.h"
#include "queue/sqlite/disk/lock_file.h"
#include "queue/sqlite/disk/log_mark.h"
#include "queue/sqlite/sqlite_store.h"
#include "queue/sqlite/statements.h"

namespace sheaf {
namespace {

namespace fs = std::filesystem;
using Counters = std::map<std::string, int64_t>;

absl::Status Unsound(const std::string& backup, const std::string& why) {
  return Error(Reason::kBackupFailed, backup + ": " + why);
}

absl::Status CheckSum(const std::string& backup) {
  std::ifstream sidecar(backup + ".sha256");
  std::string expected;
  if (!(sidecar >> expected)) {
    return Unsound(backup, "there is no " + backup + ".sha256 beside it");
  }
  SHEAF_ASSIGN_OR_RETURN(const std::string found, Sha256OfFile(backup));
  if (found == expected) return absl::OkStatus();
  return Unsound(backup, "its bytes have changed since the backup");
}

Counters CountersOf(SQLite::Database& db) {
  Counters counters;
  SQLite::Statement rows(db, sql::kCounters);
  while (rows.executeStep()) {
    counters[rows.getColumn(0).getString()] = rows.getColumn(1).getInt64();
  }
  return counters;
}

// Makes the database at `path` one whole file, and says how far it had
// counted. Nothing where it cannot be read any more: then it is put aside as
// it is.
Counters Settle(const std::string& path, const std::string& vfs) {
  try {
    SQLite::Database db(path, SQLite::OPEN_READWRITE, /*aBusyTimeoutMs=*/0,
                        vfs);
    db.exec("PRAGMA wal_checkpoint(TRUNCATE)");
    return CountersOf(db);
  } catch (const SQLite::Exception&) {
    return {};
  }
}

// How far a counter of this name goes on.
int64_t Skipped(const std::string& name, int64_t value) {
  for (const char* id : {"job", "batch", "worker", "plan"}) {
    if (name == id) return SkipInCell(value, kIdsSkippedByRestore);
  }
  return value + kIdsSkippedByRestore;
}

void SkipIds(SQLite::Database& db, const Counters& replaced) {
  Counters counters = CountersOf(db);
  for (const auto& [name, value] : replaced) {
    counters[name] = std::max(counters[name], value);
  }
  SQLite::Statement set(db, sql::kSetCounter);
  for (const auto& [name, value] : counters) {
    set.bind(1, name);
    set.bind(2, Skipped(name, value));
    set.exec();
    set.reset();
  }
}

// A copy of the backup beside the database, checked and ready to take its
// place.
absl::Status Prepare(const std::string& backup, const std::string& copy,
                     const Counters& replaced, const std::string& vfs) {
  std::remove(copy.c_str());
  SHEAF_RETURN_IF_ERROR(CopyFileDurably(backup, copy));
  try {
    SQLite::Database db(copy, SQLite::OPEN_READWRITE, /*aBusyTimeoutMs=*/0,
                        vfs);
    const std::vector<std::string> problems = ProblemsOf(db, /*full=*/true);
    if (!problems.empty()) return Unsound(backup, problems.front());
    SQLite::Transaction transaction(db);
    SkipIds(db, replaced);
    transaction.commit();
  } catch (const SQLite::Exception& thrown) {
    return Unsound(backup, thrown.what());
  }
  return SyncFile(copy);
}

// A second name for each of the database's files, so that replacing the first
// does not lose it.
absl::Status KeepAside(const std::string& path, const std::string& aside) {
  for (const char* suffix : {"", "-wal"}) {
    if (!fs::exists(path + suffix)) continue;
    std::error_code error;
    fs::create_hard_link(path + suffix, aside + suffix, error);
    if (error) {
      return absl::UnavailableError("cannot keep " + path + suffix + " as " +
                                    aside + suffix + ": " + error.message());
    }
  }
  return SyncFolderOf(path);
}

}  // namespace

absl::StatusOr<Restored> Restore(const std::string& directory,
                                 const std::string& backup, absl::Time now,
                                 const std::string& vfs) {
  std::error_code error;
  fs::create_directories(directory, error);
  SHEAF_ASSIGN_OR_RETURN(const LockFile lock,
                         LockFile::Acquire(LockPath(directory)));
  SHEAF_RETURN_IF_ERROR(CheckSum(backup));

  const std::string path = DatabasePath(directory);
  const std::string copy = path + ".restoring";
  const bool replaces = fs::exists(path);
  const Counters counted = replaces ? Settle(path, vfs) : Counters{};
  SHEAF_RETURN_IF_ERROR(Prepare(backup, copy, counted, vfs));

  Restored restored;
  if (replaces) {
    restored.replaced =
        path + ".replaced-" + std::to_string(absl::ToUnixMillis(now));
    SHEAF_RETURN_IF_ERROR(KeepAside(path, restored.replaced));
  }
  // This gives up the events that were acknowledged since the backup.
  std::remove(LogMarkPath(path).c_str());
  // A log of the old database would be replayed into the new one.
  std::remove((path + "-wal").c_str());
  std::remove((path + "-shm").c_str());
  if (std::rename(copy.c_str(), path.c_str()) != 0) {
    return absl::UnavailableError("cannot put " + copy + " in place of " +
                                  path);
  }
  GiveToOwner(directory);
  SHEAF_RETURN_IF_ERROR(SyncFolderOf(path));
  return restored;
}

}  // namespace sheaf
