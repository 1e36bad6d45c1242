#include "queue/sqlite/backup.h"

#include <cstdio>
#include <filesystem>
#include <utility>

#include "base/crash_point.h"
#include "base/status.h"
#include "queue/error.h"
#include "queue/sqlite/files.h"
#include "queue/sqlite/statements.h"

namespace sheaf {
namespace {

// 1 MiB: well under a millisecond of the writer's time.
constexpr int kPagesPerStep = 256;
constexpr int kProblemsMax = 100;

absl::Status BackupFailed(const std::string& path, const std::string& why) {
  return Error(Reason::kBackupFailed, path + ": " + why);
}

// The first column of every row, for checks that answer in rows.
std::vector<std::string> Answers(SQLite::Database& db, const char* sql) {
  std::vector<std::string> answers;
  SQLite::Statement query(db, sql);
  while (query.executeStep() && answers.size() < kProblemsMax) {
    answers.push_back(query.getColumn(0).getString());
  }
  return answers;
}

absl::StatusOr<BackupInfo> CheckAndPublish(const std::string& path) {
  const std::string partial = PartialPath(path);
  BackupInfo info;
  info.path = path;
  {
    SQLite::Database db(partial, SQLite::OPEN_READONLY);
    const std::vector<std::string> problems = ProblemsOf(db, /*full=*/true);
    if (!problems.empty()) return BackupFailed(path, problems.front());
    info.job_count = db.execAndGet(sql::kCountJobs).getInt64();
    info.last_event_sequence =
        db.execAndGet("SELECT ifnull(max(sequence), 0) FROM events").getInt64();
  }
  SHEAF_RETURN_IF_ERROR(SyncFile(partial));
  info.size_bytes = FileSize(partial);
  SHEAF_ASSIGN_OR_RETURN(info.sha256, Sha256OfFile(partial));
  // The sum first: a backup that has its name also has its sum.
  const std::string name = std::filesystem::path(path).filename();
  SHEAF_RETURN_IF_ERROR(
      WriteFileDurably(path + ".sha256", info.sha256 + "  " + name + "\n"));
  if (std::rename(partial.c_str(), path.c_str()) != 0) {
    return BackupFailed(path, "cannot be named");
  }
  SHEAF_RETURN_IF_ERROR(SyncFolderOf(path));
  return info;
}

}  // namespace

std::string PartialPath(const std::string& path) { return path + ".partial"; }

BackupCopy::BackupCopy(std::string path, Done done)
    : path_(std::move(path)), done_(std::move(done)) {}

BackupCopy::~BackupCopy() { Close(); }

void BackupCopy::Close() {
  if (copy_ != nullptr) sqlite3_backup_finish(std::exchange(copy_, nullptr));
  target_.reset();
}

void BackupCopy::Start(Connection& source) {
  const std::string partial = PartialPath(path_);
  std::remove(partial.c_str());
  target_ = std::make_unique<SQLite::Database>(
      partial, SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE);
  // Synced once, at the end.
  target_->exec("PRAGMA synchronous = OFF");
  copy_ = sqlite3_backup_init(target_->getHandle(), "main", source.handle(),
                              "main");
  if (copy_ == nullptr) throw SQLite::Exception(target_->getHandle());
}

bool BackupCopy::Step(Connection& source) {
  try {
    if (target_ == nullptr) {
      if (std::filesystem::exists(path_)) {
        End(Error(Reason::kBackupExists, path_ + " exists"));
        return true;
      }
      Start(source);
    }
    const int code = sqlite3_backup_step(copy_, kPagesPerStep);
    SHEAF_CRASH_POINT("mid-backup");
    if (code == SQLITE_OK) return false;
    if (code != SQLITE_DONE) throw SQLite::Exception(source.handle(), code);
    sqlite3_backup_finish(std::exchange(copy_, nullptr));
    // One file, that needs no other beside it.
    target_->exec("PRAGMA journal_mode = DELETE");
    End(absl::OkStatus());
  } catch (const std::exception& thrown) {
    End(BackupFailed(path_, thrown.what()));
  }
  return true;
}

void BackupCopy::Refuse(const absl::Status& error) {
  End(error);
  TakeDone()(error);
}

void BackupCopy::End(absl::Status status) {
  status_ = std::move(status);
  Close();
  if (!status_.ok()) std::remove(PartialPath(path_).c_str());
}

absl::StatusOr<BackupInfo> PublishBackup(const std::string& path) {
  absl::StatusOr<BackupInfo> info;
  try {
    info = CheckAndPublish(path);
  } catch (const std::exception& thrown) {
    info = BackupFailed(path, thrown.what());
  }
  if (!info.ok()) {
    std::remove(PartialPath(path).c_str());
    std::remove((path + ".sha256").c_str());
  }
  return info;
}

std::vector<std::string> ProblemsOf(SQLite::Database& db, bool full) {
  std::vector<std::string> problems = Answers(
      db, full ? "PRAGMA integrity_check(100)" : "PRAGMA quick_check(100)");
  if (problems == std::vector<std::string>{"ok"}) problems.clear();
  for (const std::string& table : Answers(db, "PRAGMA foreign_key_check")) {
    problems.push_back("a row of " + table + " refers to nothing");
  }
  return problems;
}

}  // namespace sheaf
