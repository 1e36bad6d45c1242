// Copies of the database, made while it is in use.
//
// BackupCopy runs on the writer's thread, some pages at a time between groups
// of writes; writes made meanwhile go into the copy too. It fills a file of its
// own, whose name no other copy has and no backup can have. Publish then runs
// on another thread: it checks the copy, and only a sound one gets its name, if
// no file has it yet. Nothing here removes or replaces a file that it did not
// make.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "queue/durable_store.h"
#include "queue/sqlite/connection.h"

namespace sheaf {

// As DurableStore says.
absl::Status CheckBackupName(const std::string& name);
int SweepBackups(const std::string& folder);

// Counts the backups in `folder` that have their sum.
int CountBackups(const std::string& folder);

class BackupCopy {
 public:
  using Done = DurableStore::BackupDone;

  // `vfs`: SQLite's, by name; empty: the default one.
  BackupCopy(BackupOrder order, std::string vfs, Done done);
  ~BackupCopy();

  // Copies some pages of `source`. True once there is nothing left to do;
  // `status` then says whether the copy is complete. Call Close before
  // `source` goes.
  bool Step(Connection& source);
  void Close();
  // Answers with an error, and leaves nothing of the copy.
  void Refuse(const absl::Status& error);

  const absl::Status& status() const { return status_; }
  Done TakeDone() { return std::move(done_); }

  // Checks the complete copy, makes it durable, and gives it its name, after
  // its sum has one. BACKUP_EXISTS, BACKUP_FAILED; then nothing is left of it.
  absl::StatusOr<BackupInfo> Publish();

 private:
  absl::Status MayStart(Connection& source) const;
  void Start(Connection& source);
  // Ends with `status`; the pages so far are of no use if it is an error.
  void End(absl::Status status);
  absl::StatusOr<BackupInfo> Inspect() const;
  void RemovePartial();

  const BackupOrder order_;
  const std::string vfs_;
  const std::string partial_;  // where it lies until it has its name
  Done done_;
  absl::Status status_;
  std::unique_ptr<SQLite::Database> target_;
  sqlite3_backup* copy_ = nullptr;
};

// The problems of a database, by integrity_check (or quick_check) and
// foreign_key_check; empty if it is sound.
std::vector<std::string> ProblemsOf(SQLite::Database& db, bool full);

}  // namespace sheaf
