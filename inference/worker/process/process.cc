#include "inference/worker/process/process.h"

#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <thread>
#include <utility>

#include "base/log/log.h"
#include "base/version.h"
#include "inference/worker/session/session.h"
#include "spdlog/spdlog.h"

namespace sheaf::worker {
namespace {

// A worker has five seconds to leave: four for the session, the rest for
// Abandon.
constexpr timespec kPatience = {.tv_sec = 4, .tv_nsec = 0};

// One thread waits for signals. All other threads, gRPC's too, start with them
// blocked.
sigset_t BlockSignals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGUSR1);  // From main: all is over.
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  signal(SIGPIPE, SIG_IGN);
  return signals;
}

// The first signal asks the session to leave; a second, or too long a wait,
// ends the process here and now.
void WatchSignals(const sigset_t& signals, Session* session) {
  int number = 0;
  sigwait(&signals, &number);
  if (number == SIGUSR1) return;
  spdlog::info("{}: leaving at the next step", strsignal(number));
  session->Stop();
  number = sigtimedwait(&signals, nullptr, &kPatience);
  if (number == SIGUSR1) return;
  if (number > 0) std::_Exit(kExitRefused);
  spdlog::warn("the engine does not stop: exiting all the same");
  session->Abandon();
  std::_Exit(0);
}

// False if the parent is gone already.
bool FollowParent() {
  const pid_t parent = getppid();
  prctl(PR_SET_PDEATHSIG, SIGTERM);
  return getppid() == parent;
}

}  // namespace

int RunProcess(Flags flags, const MakeEngine& make_engine) {
  SetUpLogging({.level = flags.log_level,
                .json = flags.log_json,
                .component = "worker",
                .pid = true});
  const sigset_t signals = BlockSignals();
  if (flags.exit_with_parent && !FollowParent()) return 0;
  Client client(MakeChannel(flags.server));
  const auto engine = make_engine(&flags, &client);
  if (!engine.ok()) {
    spdlog::critical("{}", std::string(engine.status().message()));
    return kExitUsage;
  }
  flags.session.on_stall = [] {
    spdlog::critical(
        "the engine makes no steps any more: exiting, so that a new process "
        "can start");
    std::_Exit(kExitHung);
  };
  Session session(std::move(flags.session), &client, engine->get());
  std::thread watcher([&] { WatchSignals(signals, &session); });
  spdlog::info("sheaf-worker {} for {}", kVersion, flags.server);
  const absl::Status status = session.Run();
  pthread_kill(watcher.native_handle(), SIGUSR1);
  watcher.join();
  if (const absl::Status health = (*engine)->Health(); !health.ok()) {
    spdlog::critical("the device can no longer be used, exiting: {}",
                     health.ToString());
    // Destructors would have to use the lost device.
    std::_Exit(kExitDeviceLost);
  }
  if (status.ok()) return 0;
  spdlog::critical("the server refuses this worker: {}", status.ToString());
  return kExitRefused;
}

}  // namespace sheaf::worker
