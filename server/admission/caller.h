// Identifies callers: by the connection, and by the address from which it
// comes.
#pragma once

#include <string>
#include <string_view>

namespace sheaf::server {

// The address within a peer of gRPC's ("ipv4:10.0.0.1:4711"), without the port.
// An IPv6 address keeps only its first half, because one host has all of the
// other half. All loopback addresses count as one, and so do all UNIX sockets.
std::string AddressOf(std::string_view peer);

// A caller. Callers have no names yet, so they are told apart by where they
// come from. All callers of a UNIX socket are one, and so are all addresses of
// one /64 of IPv6.
struct Caller {
  std::string address;     // "ipv4:127.0.0.1"
  std::string connection;  // gRPC's name of the peer, "ipv4:127.0.0.1:54321"
};
Caller CallerOf(std::string_view peer);

// Whether the peer is at a UNIX socket, where all peers look alike.
bool IsLocalSocket(std::string_view peer);

}  // namespace sheaf::server
