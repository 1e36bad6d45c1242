// Putting a backup in the place of the database, while no server runs.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace sheaf {

// After a restore every counter stands this much further on than both the
// backup and the database it replaces: a client that remembers a number from
// after the backup never finds it given to another thing.
inline constexpr int64_t kIdsSkippedByRestore = 1'000'000;

struct Restored {
  // Where the replaced database was put; empty if there was none.
  std::string replaced;
};

// Checks `backup` against its .sha256 and by integrity_check, then makes it
// the database of `directory`. At no time is the directory without a complete
// database. DATABASE_LOCKED while a server runs; BACKUP_FAILED where the
// backup is not sound; UNAVAILABLE where files cannot be written. `vfs`:
// SQLite's, by name; empty: the default one.
absl::StatusOr<Restored> Restore(const std::string& directory,
                                 const std::string& backup, absl::Time now,
                                 const std::string& vfs = "");

}  // namespace sheaf
