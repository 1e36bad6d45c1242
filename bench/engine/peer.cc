#include "bench/engine/peer.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

#include "absl/strings/str_cat.h"
#include "base/status.h"

namespace sheaf::engine {
namespace {

constexpr size_t kAnswerMax = size_t{64} << 20;

}  // namespace

absl::StatusOr<std::unique_ptr<Peer>> Peer::Start(const std::string& command) {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
    return absl::UnavailableError("no sockets");
  }
  const pid_t pid = fork();
  if (pid == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    dup2(ends[1], STDIN_FILENO);
    dup2(ends[1], STDOUT_FILENO);
    execl("/bin/sh", "sh", "-c", command.c_str(), nullptr);
    _exit(127);
  }
  close(ends[1]);
  if (pid < 0) {
    close(ends[0]);
    return absl::UnavailableError("cannot start " + command);
  }
  return std::unique_ptr<Peer>(new Peer(pid, ends[0]));
}

Peer::~Peer() {
  close(socket_);
  waitpid(pid_, nullptr, 0);
}

absl::StatusOr<Json> Peer::Ask(const std::string& line) {
  const std::string message = line + "\n";
  for (size_t sent = 0; sent < message.size();) {
    const ssize_t now = send(socket_, message.data() + sent,
                             message.size() - sent, MSG_NOSIGNAL);
    if (now <= 0) return absl::UnavailableError("the peer has gone");
    sent += static_cast<size_t>(now);
  }
  size_t end = 0;
  while ((end = unread_.find('\n')) == std::string::npos) {
    char buffer[1 << 16];
    const ssize_t now = recv(socket_, buffer, sizeof(buffer), 0);
    if (now < 0 && errno == EINTR) continue;
    if (now <= 0 || unread_.size() > kAnswerMax) {
      return absl::UnavailableError("the peer has gone");
    }
    unread_.append(buffer, static_cast<size_t>(now));
  }
  const std::string answer = unread_.substr(0, end);
  unread_.erase(0, end + 1);
  SHEAF_ASSIGN_OR_RETURN(Json json, Json::Parse(answer));
  const Json* error = json.Find("error");
  if (error != nullptr && error->text() != nullptr) {
    return absl::FailedPreconditionError(
        absl::StrCat("the peer says: ", *error->text()));
  }
  return json;
}

}  // namespace sheaf::engine
