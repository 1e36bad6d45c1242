#include "bench/process.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <grp.h>
#include <netinet/in.h>
#include <pwd.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "base/status.h"

namespace sheaf::bench {
namespace {

constexpr size_t kTailBytes = 2000;

std::string ReadAll(const std::string& path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

struct Identity {
  uid_t uid = 0;
  gid_t gid = 0;
  bool change = false;
};

absl::StatusOr<Identity> IdentityOf(const std::string& user) {
  if (user.empty()) return Identity{};
  const passwd* entry = getpwnam(user.c_str());
  if (entry == nullptr) return absl::NotFoundError("no user " + user);
  return Identity{entry->pw_uid, entry->pw_gid, true};
}

// Runs in the child. Makes only calls that are safe between fork and exec.
[[noreturn]] void Become(const Identity& identity, int log, char** arguments) {
  if (identity.change &&
      (setgroups(0, nullptr) != 0 || setgid(identity.gid) != 0 ||
       setuid(identity.uid) != 0)) {
    _exit(126);
  }
  // Comes after the change of user, which would clear it.
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  dup2(open("/dev/null", O_RDONLY), STDIN_FILENO);
  dup2(log, STDOUT_FILENO);
  dup2(log, STDERR_FILENO);
  execv(arguments[0], arguments);
  _exit(127);
}

}  // namespace

absl::StatusOr<Process> Process::Start(const Options& options) {
  SHEAF_ASSIGN_OR_RETURN(const Identity identity, IdentityOf(options.user));
  const int log = open(options.log_path.c_str(),
                       O_CREAT | O_WRONLY | O_APPEND | O_CLOEXEC, 0644);
  if (log < 0) {
    return absl::PermissionDeniedError("cannot write " + options.log_path);
  }
  std::vector<char*> arguments;
  for (const std::string& argument : options.command) {
    arguments.push_back(const_cast<char*>(argument.c_str()));
  }
  arguments.push_back(nullptr);
  Process process;
  process.pid_ = fork();
  if (process.pid_ == 0) Become(identity, log, arguments.data());
  close(log);
  if (process.pid_ < 0) return absl::InternalError(strerror(errno));
  return process;
}

absl::StatusOr<std::string> Process::Run(const Options& options,
                                         absl::Duration timeout) {
  std::error_code ignored;
  std::filesystem::remove(options.log_path, ignored);
  SHEAF_ASSIGN_OR_RETURN(Process process, Start(options));
  const bool ended = process.WaitForEnd(timeout);
  std::string output = ReadAll(options.log_path);
  if (ended && process.exit_status_ == 0) return output;
  return absl::UnknownError(absl::StrCat(
      options.command[0], ended ? " failed:\n" : " took too long:\n",
      TailOf(options.log_path)));
}

Process::Process(Process&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)), exit_status_(other.exit_status_) {}

Process& Process::operator=(Process&& other) noexcept {
  std::swap(pid_, other.pid_);
  std::swap(exit_status_, other.exit_status_);
  return *this;
}

Process::~Process() { Stop(SIGKILL, absl::Seconds(5)); }

bool Process::Alive() { return pid_ > 0 && !WaitForEnd(absl::ZeroDuration()); }

void Process::Stop(int signal, absl::Duration patience) {
  if (pid_ <= 0) return;
  kill(pid_, signal);
  if (WaitForEnd(patience)) return;
  kill(pid_, SIGKILL);
  WaitForEnd(absl::Seconds(30));
}

bool Process::WaitForEnd(absl::Duration patience) {
  const absl::Time end = absl::Now() + patience;
  while (pid_ > 0) {
    int status = 0;
    if (waitpid(pid_, &status, WNOHANG) == pid_) {
      exit_status_ = status;
      pid_ = -1;
      break;
    }
    if (absl::Now() >= end) return false;
    absl::SleepFor(absl::Milliseconds(2));
  }
  return true;
}

double Process::RssMebibytes() const {
  std::istringstream status(ReadAll(absl::StrCat("/proc/", pid_, "/status")));
  for (std::string line; std::getline(status, line);) {
    if (line.rfind("VmRSS:", 0) == 0) return std::stod(line.substr(6)) / 1024;
  }
  return 0;
}

std::string ProgramPath() {
  std::error_code ignored;
  return std::filesystem::read_symlink("/proc/self/exe", ignored).string();
}

std::string ProgramDirectory() {
  return std::filesystem::path(ProgramPath()).parent_path().string();
}

absl::StatusOr<int> FreePort() {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  const bool bound = fd >= 0 && bind(fd, generic, size) == 0 &&
                     getsockname(fd, generic, &size) == 0;
  if (fd >= 0) close(fd);
  if (!bound) return absl::UnavailableError("no port of 127.0.0.1 is free");
  return ntohs(address.sin_port);
}

std::string TailOf(const std::string& path) {
  const std::string text = ReadAll(path);
  return text.substr(text.size() - std::min(text.size(), kTailBytes));
}

}  // namespace sheaf::bench
