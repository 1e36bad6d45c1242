// Counts the connections of each caller, and limits them.
//
// gRPC owns the connections and says nothing of their end. So an entry holds
// the number of the descriptor and of the socket behind it, and is over once
// the descriptor is closed or means another socket. The table looks at that
// only where a limit is reached.
//
// A value of the accept loop, used on its thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "server/config/address_range.h"

namespace sheaf::server {

struct ConnectionLimits {
  int per_address = 256;
  int per_local_user = 1024;  // of loopback, and of a user on a UNIX socket
  int total = 512;
  std::vector<AddressRange> trusted;  // bounded by `total` alone
};

// The caller who has a connection, as far as limits go.
struct Peer {
  std::string name;  // "192.0.2.7", "uid 1000"
  int most = 0;      // connections at a time; 0: bounded by the total alone
};

// Returns the peer at the other end of a connected socket.
Peer PeerOf(int fd, const ConnectionLimits& limits);

class ConnectionTable {
 public:
  using Clock = std::chrono::steady_clock;
  // The number of the socket that a descriptor means; 0 where it means none.
  using SocketOf = std::function<uint64_t(int fd)>;

  enum class Verdict { kTake, kTooManyOfPeer, kTooMany };

  explicit ConnectionTable(ConnectionLimits limits);
  ConnectionTable(ConnectionLimits limits, SocketOf socket_of)
      : limits_(std::move(limits)), socket_of_(std::move(socket_of)) {}

  const ConnectionLimits& limits() const { return limits_; }

  // Counts the connection, if the caller may have it.
  Verdict Add(int fd, const Peer& peer, Clock::time_point now);

  // Connections that have not been seen to end.
  int size() const { return static_cast<int>(entries_.size()); }

 private:
  struct Entry {
    uint64_t socket = 0;
    std::string peer;
  };

  Verdict Judge(const Peer& peer) const;
  void Forget(std::map<int, Entry>::iterator entry);
  void DropEnded(Clock::time_point now);

  const ConnectionLimits limits_;
  const SocketOf socket_of_;
  std::map<int, Entry> entries_;  // by descriptor
  std::map<std::string, int> counts_;
  Clock::time_point next_look_;
};

}  // namespace sheaf::server
