// The addresses sheafd may listen on: HOST:PORT, [IPV6]:PORT, unix:PATH. Pure
// functions.
#pragma once

#include <string>

#include "absl/status/status.h"

namespace sheaf::server {

// INVALID_ARGUMENT where `address` is none of those.
absl::Status CheckListenAddress(const std::string& address);

// True where only this machine can connect: a socket file, 127.x.x.x, ::1,
// localhost. A name is not looked up: what it means today is no promise.
bool IsLocalAddress(const std::string& address);

}  // namespace sheaf::server
