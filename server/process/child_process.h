// One program that runs beside us: started, signalled, reaped.
//
// A value of its supervisor, used on one thread. Letting go of one that was
// not reaped leaves it running.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace sheaf::server {

class ChildProcess {
 public:
  // Runs argv[0] (a path, or a name looked for in PATH) in a process group of
  // its own, with this environment (NAME=VALUE), our output and error, an empty
  // input, no other file of ours, and no signal blocked or ignored.
  static absl::StatusOr<ChildProcess> Spawn(
      const std::vector<std::string>& argv,
      const std::vector<std::string>& environment);
  ChildProcess(ChildProcess&& other) noexcept;
  ChildProcess& operator=(ChildProcess&& other) noexcept;
  ~ChildProcess();

  pid_t pid() const { return pid_; }

  // Readable, for poll, once the process has ended; -1 on kernels without
  // pidfds.
  int end_fd() const { return end_fd_; }

  // Says how the process ended ("exit status 3", "signal 9 (Killed)"), once it
  // has, and kills the processes that it left in its group. Do not call it
  // again after that.
  std::optional<std::string> Reap();

  // Sends the signal to the process and its group.
  void Signal(int number) const;

  // Runs a program as Spawn does and returns its output. The program must end
  // well and within `limit`: UNAVAILABLE otherwise, with how it ended. For a
  // short output that comes soon.
  static absl::StatusOr<std::string> OutputOf(
      const std::vector<std::string>& argv,
      const std::vector<std::string>& environment, absl::Duration limit);

 private:
  explicit ChildProcess(pid_t pid);
  // Where `output` is not -1, it is the program's output.
  static absl::StatusOr<ChildProcess> Spawn(
      const std::vector<std::string>& argv,
      const std::vector<std::string>& environment, int output);

  pid_t pid_ = -1;
  int end_fd_ = -1;
};

}  // namespace sheaf::server
