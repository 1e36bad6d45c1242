// Keeps the server's files for the server's own user alone.
//
// A user who can open the database, even only to read it, can stop all writes
// with one lock on a byte of sheaf.db-shm. So no other user may enter.
#pragma once

#include <functional>
#include <string>

#include "absl/status/status.h"

namespace sheaf::server {

// Makes the directory (and its name durable). Where an older version or a wide
// umask has made it, narrows the directory and everything in it to our user,
// and tells `log`. UNAVAILABLE, in the words of an operator, where it belongs
// to another user, or where others could put another one in its place. Call it
// before the store opens the directory.
absl::Status PrepareDataDirectory(
    const std::string& path,
    const std::function<void(const std::string&)>& log);

}  // namespace sheaf::server
