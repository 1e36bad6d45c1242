#include "server/child_process.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"

namespace sheaf::server {
namespace {

// posix_spawn's two argument objects, set up as the header says.
class SpawnSetup {
 public:
  SpawnSetup() {
    sigset_t none;
    sigset_t all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawnattr_init(&attributes_);
    posix_spawnattr_setsigmask(&attributes_, &none);
    posix_spawnattr_setsigdefault(&attributes_, &all);
    posix_spawnattr_setpgroup(&attributes_, 0);
    posix_spawnattr_setflags(&attributes_, POSIX_SPAWN_SETSIGMASK |
                                               POSIX_SPAWN_SETSIGDEF |
                                               POSIX_SPAWN_SETPGROUP);
    posix_spawn_file_actions_init(&files_);
    posix_spawn_file_actions_addopen(&files_, 0, "/dev/null", O_RDONLY, 0);
    // The database's lock must not live on in a worker that outlives us.
    posix_spawn_file_actions_addclosefrom_np(&files_, 3);
  }
  ~SpawnSetup() {
    posix_spawnattr_destroy(&attributes_);
    posix_spawn_file_actions_destroy(&files_);
  }
  SpawnSetup(const SpawnSetup&) = delete;
  SpawnSetup& operator=(const SpawnSetup&) = delete;

  posix_spawnattr_t* attributes() { return &attributes_; }
  posix_spawn_file_actions_t* files() { return &files_; }

 private:
  posix_spawnattr_t attributes_;
  posix_spawn_file_actions_t files_;
};

std::string HowItEnded(int status) {
  if (WIFSIGNALED(status)) {
    const int number = WTERMSIG(status);
    return absl::StrCat("signal ", number, " (", strsignal(number), ")");
  }
  return absl::StrCat("exit status ", WEXITSTATUS(status));
}

}  // namespace

absl::StatusOr<ChildProcess> ChildProcess::Spawn(
    const std::vector<std::string>& argv) {
  std::vector<char*> pointers;
  for (const std::string& arg : argv) {
    pointers.push_back(const_cast<char*>(arg.c_str()));
  }
  pointers.push_back(nullptr);
  SpawnSetup setup;
  pid_t pid = -1;
  const int error = posix_spawnp(&pid, pointers[0], setup.files(),
                                 setup.attributes(), pointers.data(), environ);
  if (error != 0) {
    return absl::UnavailableError(
        absl::StrCat("cannot run ", argv[0], ": ", strerror(error)));
  }
  return ChildProcess(pid);
}

// The child was not reaped yet, so its number still means it.
ChildProcess::ChildProcess(pid_t pid)
    : pid_(pid), end_fd_(syscall(SYS_pidfd_open, pid, 0)) {}

ChildProcess::ChildProcess(ChildProcess&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)),
      end_fd_(std::exchange(other.end_fd_, -1)) {}

ChildProcess& ChildProcess::operator=(ChildProcess&& other) noexcept {
  std::swap(pid_, other.pid_);
  std::swap(end_fd_, other.end_fd_);
  return *this;
}

ChildProcess::~ChildProcess() {
  if (end_fd_ >= 0) close(end_fd_);
}

std::optional<std::string> ChildProcess::Reap() {
  siginfo_t info = {};
  int result;
  do {
    result = waitid(P_PID, pid_, &info, WEXITED | WNOHANG | WNOWAIT);
  } while (result != 0 && errno == EINTR);
  if (result != 0) {
    // Whoever started us ignores SIGCHLD: the kernel has reaped it.
    return absl::StrCat("unknown: ", strerror(errno));
  }
  if (info.si_pid == 0) return std::nullopt;
  // As long as it is not reaped, nothing else can have its number.
  kill(-pid_, SIGKILL);
  int status = 0;
  waitpid(pid_, &status, 0);
  return HowItEnded(status);
}

void ChildProcess::Signal(int number) const { kill(-pid_, number); }

}  // namespace sheaf::server
