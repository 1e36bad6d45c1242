// The files of backups: names that are free to use, and how a copy gets its
// name.
//
// Any thread; two processes may use one folder.
#pragma once

#include <string>

#include "absl/status/status.h"

namespace sheaf {

// A name beside `path` that no other copy has, of this process or another.
std::string NewPartialPath(const std::string& path);

// Gives the durable file at `partial` the name `path`, after `path`.sha256 has
// its sum: at no time has a backup its name without its sum. BACKUP_EXISTS
// where either name is taken; UNAVAILABLE where the disk refuses. `partial`
// stays, for its owner to remove.
absl::Status NameBackup(const std::string& partial, const std::string& path,
                        const std::string& sha256);

// Removes a copy, and what SQLite may have put beside it.
void RemoveWithCompanions(const std::string& partial);

}  // namespace sheaf
