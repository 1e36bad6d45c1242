// A service manager that listens at an abstract name.
#pragma once

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstddef>
#include <cstring>
#include <string>

#include "gtest/gtest.h"

namespace sheaf::server {

class ManagerSocket {
 public:
  ManagerSocket()
      : name_("@sheaf-test-" + std::to_string(getpid())),
        fd_(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) {
    sockaddr_un address = {.sun_family = AF_UNIX};
    std::memcpy(address.sun_path + 1, name_.data() + 1, name_.size() - 1);
    EXPECT_EQ(bind(fd_, reinterpret_cast<const sockaddr*>(&address),
                   offsetof(sockaddr_un, sun_path) + name_.size()),
              0);
  }
  ~ManagerSocket() { close(fd_); }
  ManagerSocket(const ManagerSocket&) = delete;
  ManagerSocket& operator=(const ManagerSocket&) = delete;

  const std::string& name() const { return name_; }

  // The oldest message that was not heard yet.
  std::string Heard() const {
    char text[100];
    const ssize_t size = recv(fd_, text, sizeof(text), 0);
    return size < 0 ? "(nothing)" : std::string(text, size);
  }
  // The newest one; those before it are forgotten.
  std::string HeardLast() const {
    std::string last = "(nothing)";
    for (std::string text = Heard(); text != "(nothing)"; text = Heard()) {
      last = text;
    }
    return last;
  }

 private:
  const std::string name_;
  const int fd_;
};

}  // namespace sheaf::server
