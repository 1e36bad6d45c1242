#include "cli/support/interrupt.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <cstring>

#include "cli/support/errors.h"

namespace sheaf::cli {
namespace {

// A signal handler may touch little: a fixed buffer and lock-free atomics.
std::atomic<bool> has_file = false;
std::atomic<int> file_directory = -1;
char file_name[256];

void HandleInterrupt(int) {
  if (has_file) unlinkat(file_directory, file_name, 0);
  if (isatty(STDERR_FILENO) != 0) {
    // The result does not matter: we leave either way.
    [[maybe_unused]] const ssize_t written = write(STDERR_FILENO, "\n", 1);
  }
  // Ends by the signal itself. If a program handled the signal and exited, a
  // waiting shell would go on with the next line of its script.
  raise(SIGINT);
  _exit(kExitInterrupted);
}

}  // namespace

void ExitOnInterrupt() {
  struct sigaction action = {};
  action.sa_handler = HandleInterrupt;
  action.sa_flags = SA_RESETHAND | SA_NODEFER;
  sigaction(SIGINT, &action, nullptr);
  // A closed pipe (sheaf job list | head) shows as a failed write instead.
  signal(SIGPIPE, SIG_IGN);
}

TemporaryFileGuard::TemporaryFileGuard(int directory, const std::string& name) {
  if (name.size() >= sizeof(file_name)) return;
  std::memcpy(file_name, name.c_str(), name.size() + 1);
  file_directory = directory;
  has_file = true;
}

TemporaryFileGuard::~TemporaryFileGuard() { has_file = false; }

}  // namespace sheaf::cli
