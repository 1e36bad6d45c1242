// The log that a start finds beside the database.
//
// Its bytes may be only in the system's memory: the last sync of the program
// that wrote it may have failed, and a later sync would succeed without writing
// the bytes that the first one could not. The next power failure would then
// lose the log, and the commits that followed.
#pragma once

#include <string>

namespace sheaf {

// Writes the log of the database at `path` again, byte for byte in its place,
// and makes it durable, by the VFS of that name (empty: the default one).
// Before any connection is opened. Throws SQLite::Exception.
void RenewFoundLog(const std::string& path, const std::string& vfs);

}  // namespace sheaf
