// The server under load, in a process of its own over a data directory of its
// own, and the echo server it is compared with. One thread.
#pragma once

#include <signal.h>

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "bench/client.h"
#include "bench/process.h"

namespace sheaf::bench {

struct ServerOptions {
  std::string directory;     // for data, log and socket; made if needed
  bool unix_socket = false;  // false: a port of 127.0.0.1
  bool echo = false;         // our own echo server instead of sheafd
};

// sheafd beside this program, or this program as echo server.
class ServerProcess {
 public:
  // Returns once it answers calls and the load's queue is made.
  static absl::StatusOr<std::unique_ptr<ServerProcess>> Start(
      const ServerOptions& options);

  // Whether there is a sheafd to start.
  static bool Available();

  // kill -9.
  void Kill() { process_.Stop(SIGKILL, absl::Seconds(30)); }
  // Starts it again over the same data, at the same address; does not wait.
  absl::Status Launch();

  double RssMebibytes() const { return process_.RssMebibytes(); }
  const std::string& address() const { return address_; }
  absl::StatusOr<std::unique_ptr<Client>> Connect(int in_flight) const;

 private:
  explicit ServerProcess(ServerOptions options)
      : options_(std::move(options)) {}
  absl::Status ChooseAddress();
  std::string log() const { return options_.directory + "/server.log"; }

  const ServerOptions options_;
  std::string address_;
  Process process_;
};

// Submits `runs` runs in jobs of 8, in bulk. When it returns, they are queued.
absl::Status FillQueue(Client* client, int64_t runs);

}  // namespace sheaf::bench
