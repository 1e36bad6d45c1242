// Another program, started by us: it dies with us, and we can kill it. One
// thread, the main one: a child is told to die when its starting thread does.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace sheaf::bench {

class Process {
 public:
  struct Options {
    std::vector<std::string> command;  // a path, then arguments
    std::string log_path;              // standard output and error
    std::string user;                  // to run as; empty: ours
  };

  static absl::StatusOr<Process> Start(const Options& options);
  // Starts the program, waits for its end, and returns its output. Where it
  // fails or takes longer than `timeout`, the error holds the end of its log.
  static absl::StatusOr<std::string> Run(const Options& options,
                                         absl::Duration timeout);

  Process() = default;
  Process(Process&& other) noexcept;
  Process& operator=(Process&& other) noexcept;
  // Kills it.
  ~Process();

  bool Alive();
  // Sends the signal and waits for the end, for at most `patience`; then sends
  // SIGKILL.
  void Stop(int signal, absl::Duration patience);
  // Resident memory; 0 where it is gone.
  double RssMebibytes() const;
  pid_t pid() const { return pid_; }

 private:
  bool WaitForEnd(absl::Duration patience);

  pid_t pid_ = -1;
  int exit_status_ = 0;
};

// The directory of the present program.
std::string ProgramDirectory();
std::string ProgramPath();

// A port of 127.0.0.1 that was free just now.
absl::StatusOr<int> FreePort();

// The last lines of a log, for an error's text.
std::string TailOf(const std::string& path);

}  // namespace sheaf::bench
