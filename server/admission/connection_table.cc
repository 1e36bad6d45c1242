#include "server/admission/connection_table.h"

#include <sys/stat.h>
#include <sys/un.h>

#include <algorithm>
#include <iterator>

#include "absl/strings/str_cat.h"

namespace sheaf::server {
namespace {

// A caller at his limit who goes on connecting costs one look at all
// descriptors in this time.
constexpr auto kBetweenLooks = std::chrono::milliseconds(100);

uint64_t SocketBehind(int fd) {
  struct stat info;
  if (fstat(fd, &info) != 0 || !S_ISSOCK(info.st_mode)) return 0;
  return info.st_ino;
}

}  // namespace

Peer PeerOf(int fd, const ConnectionLimits& limits) {
  sockaddr_storage storage = {};
  socklen_t size = sizeof(storage);
  auto* address = reinterpret_cast<sockaddr*>(&storage);
  if (getpeername(fd, address, &size) != 0) {
    return {"unknown", limits.per_address};
  }
  if (const auto bytes = AddressOf(address)) {
    const bool trusted = std::any_of(
        limits.trusted.begin(), limits.trusted.end(),
        [&](const AddressRange& range) { return range.Contains(*bytes); });
    // Everybody on this machine may come from any of 127.0.0.0/8.
    if (IsLoopback(*bytes)) {
      return {"loopback", trusted ? 0 : limits.per_local_user};
    }
    return {SubscriberName(*bytes), trusted ? 0 : limits.per_address};
  }
  ucred credentials = {};
  size = sizeof(credentials);
  getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &size);
  return {absl::StrCat("uid ", credentials.uid), limits.per_local_user};
}

ConnectionTable::ConnectionTable(ConnectionLimits limits)
    : ConnectionTable(std::move(limits), SocketBehind) {}

ConnectionTable::Verdict ConnectionTable::Judge(const Peer& peer) const {
  if (size() >= limits_.total) return Verdict::kTooMany;
  const auto count = counts_.find(peer.name);
  if (peer.most > 0 && count != counts_.end() && count->second >= peer.most) {
    return Verdict::kTooManyOfPeer;
  }
  return Verdict::kTake;
}

ConnectionTable::Verdict ConnectionTable::Add(int fd, const Peer& peer,
                                              Clock::time_point now) {
  // The kernel gives a number again only after it was closed, so an old entry
  // is over.
  if (const auto old = entries_.find(fd); old != entries_.end()) Forget(old);
  Verdict verdict = Judge(peer);
  if (verdict != Verdict::kTake && now >= next_look_) {
    DropEnded(now);
    verdict = Judge(peer);
  }
  if (verdict != Verdict::kTake) return verdict;
  entries_[fd] = {socket_of_(fd), peer.name};
  ++counts_[peer.name];
  return Verdict::kTake;
}

void ConnectionTable::Forget(std::map<int, Entry>::iterator entry) {
  const auto count = counts_.find(entry->second.peer);
  if (--count->second == 0) counts_.erase(count);
  entries_.erase(entry);
}

void ConnectionTable::DropEnded(Clock::time_point now) {
  next_look_ = now + kBetweenLooks;
  for (auto entry = entries_.begin(); entry != entries_.end();) {
    const auto next = std::next(entry);
    if (socket_of_(entry->first) != entry->second.socket) Forget(entry);
    entry = next;
  }
}

}  // namespace sheaf::server
