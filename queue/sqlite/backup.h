// Copies of the database, made while it is in use.
//
// BackupCopy runs on the writer's thread, some pages at a time between groups
// of writes; what is written meanwhile goes into the copy too. PublishBackup
// then runs elsewhere: it checks the copy, and only a sound one gets its name.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "queue/sqlite/connection.h"

namespace sheaf {

struct BackupInfo {
  std::string path;
  int64_t size_bytes = 0;
  std::string sha256;
  int64_t job_count = 0;
  int64_t last_event_sequence = 0;
};

// Where a copy lies until it has been checked.
std::string PartialPath(const std::string& path);

class BackupCopy {
 public:
  using Done = absl::AnyInvocable<void(absl::StatusOr<BackupInfo>)>;

  // Will copy to PartialPath(path); `path` must not exist.
  BackupCopy(std::string path, Done done);
  ~BackupCopy();

  // Copies some pages of `source`. True once there is nothing left to do;
  // `status` then says whether the copy is complete. Call Close before
  // `source` goes.
  bool Step(Connection& source);
  void Close();
  // Answers with an error, and leaves nothing of the copy.
  void Refuse(const absl::Status& error);

  const absl::Status& status() const { return status_; }
  const std::string& path() const { return path_; }
  Done TakeDone() { return std::move(done_); }

 private:
  void Start(Connection& source);
  // Ends with `status`; the pages so far are of no use if it is an error.
  void End(absl::Status status);

  const std::string path_;
  Done done_;
  absl::Status status_;
  std::unique_ptr<SQLite::Database> target_;
  sqlite3_backup* copy_ = nullptr;
};

// Checks the complete copy of `path`, makes it durable, writes path.sha256
// beside it, and gives it its name. BACKUP_FAILED; then nothing is left of it.
absl::StatusOr<BackupInfo> PublishBackup(const std::string& path);

// What is wrong with a database, by integrity_check (or quick_check) and
// foreign_key_check; empty if it is sound.
std::vector<std::string> ProblemsOf(SQLite::Database& db, bool full);

}  // namespace sheaf
