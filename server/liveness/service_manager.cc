#include "server/liveness/service_manager.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstddef>
#include <cstdlib>
#include <cstring>

namespace sheaf::server {

ServiceManager::ServiceManager() {
  const char* socket = std::getenv("NOTIFY_SOCKET");
  if (socket != nullptr) socket_ = socket;
  wants_watchdog_ = std::getenv("WATCHDOG_USEC") != nullptr;
}

void ServiceManager::Send(const std::string& text) const {
  sockaddr_un address = {.sun_family = AF_UNIX};
  if (socket_.empty() || socket_.size() >= sizeof(address.sun_path)) return;
  std::memcpy(address.sun_path, socket_.data(), socket_.size());
  if (address.sun_path[0] == '@') address.sun_path[0] = '\0';
  const int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return;
  // The message is lost where the manager does not read; a later one follows.
  sendto(fd, text.data(), text.size(), MSG_NOSIGNAL,
         reinterpret_cast<const sockaddr*>(&address),
         offsetof(sockaddr_un, sun_path) + socket_.size());
  close(fd);
}

}  // namespace sheaf::server
