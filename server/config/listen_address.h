// The addresses sheafd may listen on: HOST:PORT, [IPV6]:PORT, unix:PATH. Pure
// functions.
#pragma once

#include <optional>
#include <string>

#include "absl/status/status.h"

namespace sheaf::server {

// INVALID_ARGUMENT where `address` is none of those.
absl::Status CheckListenAddress(const std::string& address);

struct HostAndPort {
  std::string host;  // without brackets
  int port = 0;
};

// None where it is no HOST:PORT.
std::optional<HostAndPort> SplitHostAndPort(const std::string& address);

// The path of unix:PATH; none where the address has another form.
std::optional<std::string> UnixPath(const std::string& address);

// True where only this machine can connect: a socket file, 127.x.x.x, ::1,
// localhost. A name is not looked up: it may mean another address tomorrow.
bool IsLocalAddress(const std::string& address);

}  // namespace sheaf::server
