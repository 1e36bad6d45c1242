#include "queue/sqlite/backup.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <utility>

#include "base/crash_point.h"
#include "base/files.h"
#include "base/status.h"
#include "queue/error.h"
#include "queue/sqlite/backup_files.h"
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

// A backup must leave as much room as it takes: clients may ask for many.
absl::Status CheckRoom(const std::string& path, int64_t bytes) {
  const int64_t free = FreeBytes(path);
  if (free >= 2 * bytes) return absl::OkStatus();
  return BackupFailed(path, "the disk has " + std::to_string(free) +
                                " bytes left; twice the database's " +
                                std::to_string(bytes) + " must be free");
}

}  // namespace

BackupCopy::BackupCopy(BackupOrder order, std::string vfs, Done done)
    : order_(std::move(order)),
      vfs_(std::move(vfs)),
      partial_(NewPartialPath(order_.path)),
      done_(std::move(done)) {}

BackupCopy::~BackupCopy() { Close(); }

void BackupCopy::Close() {
  if (copy_ != nullptr) sqlite3_backup_finish(std::exchange(copy_, nullptr));
  target_.reset();
}

absl::Status BackupCopy::MayStart(Connection& source) const {
  const std::filesystem::path path(order_.path);
  SHEAF_RETURN_IF_ERROR(CheckBackupName(path.filename()));
  if (std::filesystem::exists(std::filesystem::symlink_status(path))) {
    return Error(Reason::kBackupExists, order_.path + " exists");
  }
  const std::string folder = FolderOf(order_.path);
  if (order_.kept_max > 0 && CountBackups(folder) >= order_.kept_max) {
    return Error(Reason::kBackupsFull, folder + " holds " +
                                           std::to_string(order_.kept_max) +
                                           " backups already");
  }
  return CheckRoom(order_.path, source.Number("PRAGMA page_count") *
                                    source.Number("PRAGMA page_size"));
}

void BackupCopy::Start(Connection& source) {
  RemovePartial();  // of a try that the disk ended
  // Readable by its owner alone from its first byte on.
  const int fd =
      open(partial_.c_str(),
           O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (fd < 0) throw std::runtime_error(std::strerror(errno));
  close(fd);
  target_ = std::make_unique<SQLite::Database>(partial_, SQLite::OPEN_READWRITE,
                                               /*aBusyTimeoutMs=*/0, vfs_);
  // Synced once, at the end; and nothing to roll back to.
  target_->exec("PRAGMA synchronous = OFF");
  target_->exec("PRAGMA journal_mode = MEMORY");
  copy_ = sqlite3_backup_init(target_->getHandle(), "main", source.handle(),
                              "main");
  if (copy_ == nullptr) throw SQLite::Exception(target_->getHandle());
}

bool BackupCopy::Step(Connection& source) {
  try {
    if (target_ == nullptr) {
      if (absl::Status status = MayStart(source); !status.ok()) {
        End(std::move(status));
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
    End(BackupFailed(order_.path, thrown.what()));
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
  if (!status_.ok()) RemovePartial();
}

void BackupCopy::RemovePartial() { RemoveWithCompanions(partial_); }

absl::StatusOr<BackupInfo> BackupCopy::Inspect() const {
  BackupInfo info;
  info.path = order_.path;
  SQLite::Database db(partial_, SQLite::OPEN_READONLY, /*aBusyTimeoutMs=*/0,
                      vfs_);
  const std::vector<std::string> problems = ProblemsOf(db, /*full=*/true);
  if (!problems.empty()) return BackupFailed(order_.path, problems.front());
  info.job_count = db.execAndGet(sql::kCountJobs).getInt64();
  info.last_event_sequence =
      db.execAndGet("SELECT ifnull(max(sequence), 0) FROM events").getInt64();
  return info;
}

absl::StatusOr<BackupInfo> BackupCopy::Publish() {
  const auto publish = [this]() -> absl::StatusOr<BackupInfo> {
    try {
      SHEAF_ASSIGN_OR_RETURN(BackupInfo info, Inspect());
      SHEAF_RETURN_IF_ERROR(SyncFile(partial_));
      info.size_bytes = FileSize(partial_);
      SHEAF_ASSIGN_OR_RETURN(info.sha256, Sha256OfFile(partial_));
      SHEAF_RETURN_IF_ERROR(NameBackup(partial_, order_.path, info.sha256));
      return info;
    } catch (const std::exception& thrown) {
      return BackupFailed(order_.path, thrown.what());
    }
  };
  absl::StatusOr<BackupInfo> info = publish();
  RemovePartial();
  if (info.ok() || ReasonOf(info.status())) return info;
  return BackupFailed(order_.path, std::string(info.status().message()));
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
