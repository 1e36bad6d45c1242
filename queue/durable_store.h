// A store that outlives its process, as those who run a server see it: whether
// it is well, how large it is, and how it is copied and checked. The domain
// needs none of this (queue/store.h).
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "queue/store.h"

namespace sheaf {

struct StoreHealth {
  bool writable = true;
  std::string problem;     // why it is not, or not for all
  std::string boot_check;  // "running", "ok", "failed: ..." or "off"
  std::vector<std::string> warnings;
};

struct StoreInfo {
  std::string engine;          // "sqlite"
  std::string engine_version;  // "3.40.1"
  int schema_version = 0;
  int64_t database_bytes = 0;
  int64_t wal_bytes = 0;
};

struct BackupOrder {
  std::string path;  // the backup's; path.sha256 is its sum's
  int kept_max = 0;  // no more backups in its folder than this; 0: any number
};

struct BackupInfo {
  std::string path;
  int64_t size_bytes = 0;
  std::string sha256;
  int64_t job_count = 0;
  int64_t last_event_sequence = 0;
};

// Any thread.
class DurableStore : public Store {
 public:
  virtual StoreHealth Health() const = 0;
  virtual StoreInfo Info() const = 0;

  // INVALID_FIELD where a backup may not have this file name: names of files
  // that stand beside a backup or a database, and hidden ones.
  virtual absl::Status CheckBackupName(const std::string& name) const = 0;
  // Copies the database to `path` while it is in use, checks the copy, and
  // names it. INVALID_FIELD, BACKUP_EXISTS, BACKUPS_FULL, BACKUP_FAILED.
  using BackupDone = absl::AnyInvocable<void(absl::StatusOr<BackupInfo>)>;
  virtual void Backup(BackupOrder order, BackupDone done) = 0;
  // Removes the files that backups of ended processes left in `folder` without
  // giving them a name. Answers how many. Before the first backup.
  virtual int SweepBackups(const std::string& folder) const = 0;

  // Finds faults of the database, and counts and leases that contradict the
  // runs; empty if there are none. `full` also compares every index with its
  // table. One check runs at a time and one may wait; further ones get
  // OVERLOADED. It ends early where `cancelled` says so, which is asked on the
  // check's thread, until `done`.
  using CheckDone =
      absl::AnyInvocable<void(absl::StatusOr<std::vector<std::string>>)>;
  virtual void CheckIntegrity(bool full, std::function<bool()> cancelled,
                              CheckDone done) = 0;
};

}  // namespace sheaf
