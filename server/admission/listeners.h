// The sockets that the server listens on: bound at the start, unbound at the
// end. Owned by the server; one thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace sheaf::server {

class Listeners {
 public:
  // Listens on addresses that CheckListenAddress accepts, on a name at each
  // address it has. UNAVAILABLE, in the words of an operator, where one is
  // taken. `socket_mode` are the permissions of UNIX sockets.
  static absl::StatusOr<std::unique_ptr<Listeners>> Open(
      const std::vector<std::string>& addresses, int socket_mode);
  ~Listeners();
  Listeners(const Listeners&) = delete;
  Listeners& operator=(const Listeners&) = delete;

  // One for each address that was asked for, with the port it has got:
  // "127.0.0.1:7420", also where port 0 was asked for.
  const std::vector<std::string>& addresses() const { return addresses_; }

  // Descriptors; they do not block.
  const std::vector<int>& sockets() const { return sockets_; }

  // Stops listening: nobody can connect any more, and our socket files are
  // gone.
  void Close();

 private:
  struct SocketFile {
    std::string path;
    uint64_t device = 0;
    uint64_t inode = 0;
  };

  Listeners() = default;
  absl::Status OpenUnix(const std::string& path, int socket_mode);
  // Returns the port.
  absl::StatusOr<int> OpenTcp(const std::string& asked);

  std::vector<std::string> addresses_;
  std::vector<int> sockets_;
  std::vector<SocketFile> files_;
};

}  // namespace sheaf::server
