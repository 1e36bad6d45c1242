#include "server/process/child_process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"

namespace sheaf::server {
namespace {

// posix_spawn's two argument objects, set up as the header says.
class SpawnSetup {
 public:
  explicit SpawnSetup(int output) {
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
    if (output >= 0) posix_spawn_file_actions_adddup2(&files_, output, 1);
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

using Clock = std::chrono::steady_clock;

// How often to look at a program whose output has ended.
constexpr int kLookMs = 10;

// As exec takes them; they live as long as `texts`.
std::vector<char*> Pointers(const std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  for (const std::string& text : texts) {
    pointers.push_back(const_cast<char*>(text.c_str()));
  }
  pointers.push_back(nullptr);
  return pointers;
}

std::string HowItEnded(int status) {
  if (WIFSIGNALED(status)) {
    const int number = WTERMSIG(status);
    return absl::StrCat("signal ", number, " (", strsignal(number), ")");
  }
  return absl::StrCat("exit status ", WEXITSTATUS(status));
}

}  // namespace

absl::StatusOr<ChildProcess> ChildProcess::Spawn(
    const std::vector<std::string>& argv,
    const std::vector<std::string>& environment) {
  return Spawn(argv, environment, /*output=*/-1);
}

absl::StatusOr<ChildProcess> ChildProcess::Spawn(
    const std::vector<std::string>& argv,
    const std::vector<std::string>& environment, int output) {
  const std::vector<char*> arguments = Pointers(argv);
  const std::vector<char*> variables = Pointers(environment);
  SpawnSetup setup(output);
  pid_t pid = -1;
  const int error =
      posix_spawnp(&pid, arguments[0], setup.files(), setup.attributes(),
                   arguments.data(), variables.data());
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
    // Our parent made us ignore SIGCHLD, so the kernel has reaped the child.
    return absl::StrCat("unknown: ", strerror(errno));
  }
  if (info.si_pid == 0) return std::nullopt;
  // Until the child is reaped, no other process can have its number.
  kill(-pid_, SIGKILL);
  int status = 0;
  waitpid(pid_, &status, 0);
  return HowItEnded(status);
}

void ChildProcess::Signal(int number) const { kill(-pid_, number); }

absl::StatusOr<std::string> ChildProcess::OutputOf(
    const std::vector<std::string>& argv,
    const std::vector<std::string>& environment, absl::Duration limit) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) {
    return absl::ResourceExhaustedError(
        absl::StrCat("cannot listen to ", argv[0], ": ", strerror(errno)));
  }
  absl::StatusOr<ChildProcess> child = Spawn(argv, environment, ends[1]);
  close(ends[1]);
  const std::unique_ptr<int, void (*)(int*)> closes(
      &ends[0], [](int* end) { close(*end); });
  if (!child.ok()) return child.status();
  std::string output;
  const auto deadline = Clock::now() + absl::ToChronoNanoseconds(limit);
  pollfd watched = {.fd = ends[0], .events = POLLIN};
  // False where nothing has come within `wait_ms`.
  const auto listen = [&](int wait_ms) {
    if (poll(&watched, 1, wait_ms) <= 0) return false;
    char piece[4096];
    const ssize_t size = read(ends[0], piece, sizeof(piece));
    if (size > 0) output.append(piece, size);
    if (size == 0) watched.fd = -1;
    return size > 0;
  };
  while (Clock::now() < deadline) {
    if (listen(kLookMs)) continue;
    const auto how = child->Reap();
    if (!how) continue;
    // Other processes may keep the pipe open; the program's own output is in it
    // by now.
    while (Clock::now() < deadline && listen(0)) {
    }
    if (*how == HowItEnded(0)) return output;
    return absl::UnavailableError(absl::StrCat(argv[0], ": ", *how));
  }
  child->Signal(SIGKILL);
  while (!child->Reap()) poll(nullptr, 0, kLookMs);
  return absl::UnavailableError(absl::StrCat(argv[0], " did not end within ",
                                             absl::FormatDuration(limit)));
}

}  // namespace sheaf::server
