// Lets the server's own user see what the server keeps, and nobody else.
//
// A user who can open the database can stop all writes, with one lock on a byte
// of sheaf.db-shm, and needs only to read it for that. So nobody may enter.
#pragma once

#include <functional>
#include <string>

#include "absl/status/status.h"

namespace sheaf::server {

// Makes the directory (and makes its name last), or narrows to our user one
// that an older version or a wide umask has made, with all that is in it;
// `log` is told. UNAVAILABLE, in the words of an operator, where it is another
// user's, or others could put another in its place. Before the store opens it.
absl::Status PrepareDataDirectory(
    const std::string& path,
    const std::function<void(const std::string&)>& log);

}  // namespace sheaf::server
