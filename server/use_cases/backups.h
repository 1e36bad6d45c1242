// Backups that operators ask for: their folder, their names, their number.
#pragma once

#include <functional>
#include <string>

#include "absl/time/time.h"
#include "queue/durable_store.h"

namespace sheaf::server {

// Borrows the store. Any thread.
class Backups {
 public:
  struct Options {
    std::string directory;  // made when the first backup is
    int kept_max = 0;       // 0: any number
    std::function<absl::Time()> now;
  };
  Backups(DurableStore* store, Options options)
      : store_(*store), options_(std::move(options)) {}

  // Makes a backup, named by the time where `file_name` is empty. Calls `done`
  // at once for a name that no backup may have, otherwise on a thread of the
  // store. INVALID_FIELD, BACKUP_EXISTS, BACKUPS_FULL, BACKUP_FAILED.
  void Make(const std::string& file_name, DurableStore::BackupDone done) const;

  // The time at which the newest backup got its name; infinite past where there
  // is none.
  absl::Time LastTime() const;

 private:
  DurableStore& store_;
  const Options options_;
};

}  // namespace sheaf::server
