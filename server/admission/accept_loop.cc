#include "server/admission/accept_loop.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "base/crash_point.h"
#include "base/log/log.h"

namespace sheaf::server {
namespace {

constexpr int kPauseMs = 50;
constexpr auto kNoteFor = std::chrono::minutes(1);
constexpr auto kBetweenLogLines = std::chrono::seconds(10);
// Most connections accepted from one socket before the next one gets its turn.
constexpr int kTurn = 64;
// A connection ends if sent bytes stay unacknowledged for this long: as long as
// an answer to a keepalive ping may take.
constexpr unsigned kUnackedMs = 10'000;

int OpenReserve() { return open("/dev/null", O_RDONLY | O_CLOEXEC); }

// Sets up a connection as gRPC does with those that it accepts itself.
void SetUp(int fd) {
  const int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &kUnackedMs,
             sizeof(kUnackedMs));
}

}  // namespace

AcceptLoop::AcceptLoop(std::vector<int> sockets, ConnectionLimits limits,
                       Take take)
    : sockets_(std::move(sockets)),
      take_(std::move(take)),
      table_(std::move(limits)),
      reserve_(OpenReserve()),
      wake_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
      warned_at_(Clock::now() - kNoteFor),
      logged_at_(Clock::now() - kNoteFor) {}

AcceptLoop::~AcceptLoop() {
  Stop();
  close(wake_);
  close(reserve_);
}

void AcceptLoop::Start() {
  thread_ = std::thread([this] { Loop(); });
}

void AcceptLoop::Stop() {
  if (!thread_.joinable()) return;
  stopping_ = true;
  eventfd_write(wake_, 1);
  thread_.join();
}

std::string AcceptLoop::Note() const {
  absl::MutexLock lock(&mutex_);
  return Clock::now() - warned_at_ < kNoteFor ? warned_ : "";
}

void AcceptLoop::Loop() {
  std::vector<pollfd> watched = {{.fd = wake_, .events = POLLIN}};
  for (const int fd : sockets_) {
    watched.push_back({.fd = fd, .events = POLLIN});
  }
  while (!stopping_) {
    if (poll(watched.data(), watched.size(), -1) < 0 && errno != EINTR) {
      Pause();
    }
    for (size_t i = 1; i < watched.size() && !stopping_; ++i) {
      if (watched[i].revents == 0) continue;
      for (int n = 0; n < kTurn && AcceptOne(watched[i].fd); ++n) {
      }
    }
  }
}

bool AcceptLoop::AcceptOne(int listening) {
  const int fd =
      accept4(listening, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (fd < 0) return Failed(listening, errno);
  ++accepted_;
  SHEAF_STALL_POINT("mid-accept");
  Welcome(listening, fd);
  return true;
}

bool AcceptLoop::Failed(int listening, int error) {
  switch (error) {
    case EAGAIN:
      return false;
    case EINTR:
    case ECONNABORTED:  // Left before its turn came.
    case EPROTO:
    case EPERM:  // A firewall forbids it.
      return true;
    case EMFILE:
    case ENFILE: {
      close(reserve_);
      const int fd = accept4(listening, nullptr, nullptr, SOCK_CLOEXEC);
      if (fd >= 0) {
        ++accepted_;
        Refuse(fd, "no file descriptor is free");
      }
      reserve_ = OpenReserve();
      if (reserve_ < 0 || fd < 0) Pause();
      return true;
    }
    default:
      Warn(absl::StrCat("cannot accept connections: ", strerror(error)));
      Pause();
      return true;
  }
}

void AcceptLoop::Welcome(int listening, int fd) {
  const Peer peer = PeerOf(fd, table_.limits());
  switch (table_.Add(fd, peer, Clock::now())) {
    case ConnectionTable::Verdict::kTake:
      SetUp(fd);
      return take_(listening, fd);
    case ConnectionTable::Verdict::kTooManyOfPeer:
      return Refuse(fd, absl::StrCat(peer.name, " has ", peer.most,
                                     " connections, its limit"));
    case ConnectionTable::Verdict::kTooMany:
      return Refuse(fd, absl::StrCat("there are ", table_.limits().total,
                                     " connections, the limit of the server"));
  }
}

// Closes the connection without a word. The client sees a failed connection,
// after which it waits longer each time.
void AcceptLoop::Refuse(int fd, const std::string& why) {
  ++refused_;
  Warn(absl::StrCat("connections are refused: ", why));
  close(fd);
}

void AcceptLoop::Warn(const std::string& what) {
  const Clock::time_point now = Clock::now();
  {
    absl::MutexLock lock(&mutex_);
    warned_ = what;
    warned_at_ = now;
    if (now - logged_at_ < kBetweenLogLines) return;
    logged_at_ = now;
  }
  Log(spdlog::level::warn, "listener", what);
}

void AcceptLoop::Pause() {
  pollfd wake = {.fd = wake_, .events = POLLIN};
  poll(&wake, 1, kPauseMs);
}

}  // namespace sheaf::server
