#include "server/admission/listeners.h"

#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "server/config/listen_address.h"

namespace sheaf::server {
namespace {

// The kernel takes less where net.core.somaxconn says so.
constexpr int kBacklog = 4096;

// Closed when it goes, unless released.
class Socket {
 public:
  explicit Socket(int family)
      : fd_(socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)) {}
  ~Socket() {
    if (fd_ >= 0) close(fd_);
  }
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;

  int fd() const { return fd_; }
  int Release() { return std::exchange(fd_, -1); }

 private:
  int fd_;
};

absl::Status CannotListen(const std::string& address, const std::string& why) {
  return absl::UnavailableError(
      absl::StrCat("cannot listen on ", address, "; ", why));
}

sockaddr_un UnixAddress(const std::string& path) {
  sockaddr_un address = {.sun_family = AF_UNIX};
  std::memcpy(address.sun_path, path.data(), path.size());
  return address;
}

// Removes a socket file whose server is gone. A file where another program
// listens stays, and is an error.
absl::Status ClearSocketFile(const std::string& path) {
  const std::string name = "unix:" + path;
  struct stat info;
  if (lstat(path.c_str(), &info) != 0) return absl::OkStatus();
  if (!S_ISSOCK(info.st_mode)) {
    return CannotListen(name, "a file of that name exists and is not a socket");
  }
  const Socket socket(AF_UNIX);
  const sockaddr_un address = UnixAddress(path);
  if (connect(socket.fd(), reinterpret_cast<const sockaddr*>(&address),
              sizeof(address)) == 0 ||
      errno != ECONNREFUSED) {
    return CannotListen(name, "another program listens there");
  }
  if (unlink(path.c_str()) == 0) return absl::OkStatus();
  return CannotListen(
      name, absl::StrCat("a dead socket is in the way: ", strerror(errno)));
}

absl::StatusOr<int> PortOf(int fd) {
  sockaddr_storage storage = {};
  socklen_t size = sizeof(storage);
  auto* address = reinterpret_cast<sockaddr*>(&storage);
  if (getsockname(fd, address, &size) != 0) {
    return absl::UnavailableError(strerror(errno));
  }
  // The port lies at the same place in both families.
  return ntohs(reinterpret_cast<const sockaddr_in*>(address)->sin_port);
}

void SetPort(sockaddr* address, int port) {
  reinterpret_cast<sockaddr_in*>(address)->sin_port = htons(port);
}

// Returns 0, or the errno of the call that failed.
int BindAndListen(int fd, const sockaddr* address, socklen_t size) {
  const int on = 1;
  const int off = 0;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  if (address->sa_family == AF_INET6) {
    // [::] means IPv4, too.
    setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
  }
  if (bind(fd, address, size) != 0 || listen(fd, kBacklog) != 0) return errno;
  return 0;
}

}  // namespace

absl::StatusOr<std::unique_ptr<Listeners>> Listeners::Open(
    const std::vector<std::string>& addresses, int socket_mode) {
  std::unique_ptr<Listeners> listeners(new Listeners);
  for (const std::string& asked : addresses) {
    if (const auto path = UnixPath(asked)) {
      SHEAF_RETURN_IF_ERROR(listeners->OpenUnix(*path, socket_mode));
      listeners->addresses_.push_back(asked);
      continue;
    }
    SHEAF_ASSIGN_OR_RETURN(const int port, listeners->OpenTcp(asked));
    listeners->addresses_.push_back(
        absl::StrCat(asked.substr(0, asked.rfind(':')), ":", port));
  }
  return listeners;
}

Listeners::~Listeners() { Close(); }

absl::Status Listeners::OpenUnix(const std::string& path, int socket_mode) {
  SHEAF_RETURN_IF_ERROR(ClearSocketFile(path));
  Socket socket(AF_UNIX);
  const sockaddr_un address = UnixAddress(path);
  // Nobody can connect before listen(), so the file has its mode by then.
  struct stat info = {};
  if (bind(socket.fd(), reinterpret_cast<const sockaddr*>(&address),
           sizeof(address)) != 0 ||
      chmod(path.c_str(), socket_mode) != 0 ||
      lstat(path.c_str(), &info) != 0 || listen(socket.fd(), kBacklog) != 0) {
    return CannotListen("unix:" + path, strerror(errno));
  }
  files_.push_back({path, info.st_dev, info.st_ino});
  sockets_.push_back(socket.Release());
  return absl::OkStatus();
}

absl::StatusOr<int> Listeners::OpenTcp(const std::string& asked) {
  const auto parts = SplitHostAndPort(asked);
  if (!parts) return CannotListen(asked, "it is not an address");
  int port = parts->port;
  addrinfo hints = {};
  hints.ai_flags = AI_PASSIVE;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const int failed = getaddrinfo(parts->host.c_str(), nullptr, &hints, &found);
  if (failed != 0) return CannotListen(asked, gai_strerror(failed));
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> frees(found,
                                                             freeaddrinfo);
  int error = EADDRNOTAVAIL;
  bool any = false;
  for (const addrinfo* each = found; each != nullptr; each = each->ai_next) {
    Socket socket(each->ai_family);
    SetPort(each->ai_addr, port);
    error = socket.fd() < 0
                ? errno
                : BindAndListen(socket.fd(), each->ai_addr, each->ai_addrlen);
    if (error == EADDRINUSE) {
      return CannotListen(asked, "is another server there?");
    }
    // A name may have an address of a family that this machine lacks.
    if (error != 0) continue;
    // With port 0, all addresses of a name get the same port.
    SHEAF_ASSIGN_OR_RETURN(port, PortOf(socket.fd()));
    sockets_.push_back(socket.Release());
    any = true;
  }
  if (any) return port;
  return CannotListen(asked, strerror(error));
}

void Listeners::Close() {
  for (const int fd : std::exchange(sockets_, {})) close(fd);
  for (const SocketFile& file : std::exchange(files_, {})) {
    struct stat info;
    if (lstat(file.path.c_str(), &info) == 0 && info.st_dev == file.device &&
        info.st_ino == file.inode) {
      unlink(file.path.c_str());
    }
  }
}

}  // namespace sheaf::server
