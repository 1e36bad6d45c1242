// sheaf-worker: a worker process. Exit codes: 0 stopped, drained or done; 1 the
// server refuses it, or it was told to stop twice; 2 a bad command line; 3 the
// engine hung.
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <thread>

#include "inference/worker/client.h"
#include "inference/worker/flags.h"
#include "inference/worker/session.h"
#include "inference/worker/simulated_engine.h"
#include "spdlog/spdlog.h"

namespace {

using sheaf::worker::Session;

constexpr int kExitRefused = 1;
constexpr int kExitHung = 3;
// Of the five seconds a worker has to leave; the rest is for Abandon.
constexpr timespec kPatience = {.tv_sec = 4, .tv_nsec = 0};

// Signals arrive on one thread, which waits for them: every other thread, those
// of gRPC too, is started with them blocked.
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
  if (number > 0) std::_Exit(1);
  spdlog::warn("the engine does not stop: leaving without it");
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

int main(int argc, char** argv) {
  auto parsed = sheaf::worker::ParseFlags(argc, argv);
  if (parsed.exits) {
    std::fputs(parsed.output.c_str(), parsed.exit_code == 0 ? stdout : stderr);
    return parsed.exit_code;
  }
  sheaf::worker::Flags& flags = parsed.flags;
  sheaf::worker::InstallLog(flags.log_format, flags.log_level);
  const sigset_t signals = BlockSignals();
  if (flags.exit_with_parent && !FollowParent()) return 0;

  sheaf::worker::Client client(sheaf::worker::MakeChannel(flags.server));
  sheaf::worker::SimulatedEngine engine(std::move(flags.simulated));
  flags.session.at_point = [&engine](auto point, const auto& batch) {
    engine.Reach(point, batch);
  };
  flags.session.on_stall = [] {
    spdlog::critical("the engine makes no steps any more: giving up");
    std::_Exit(kExitHung);
  };
  Session session(std::move(flags.session), &client, &engine);
  std::thread watcher([&] { WatchSignals(signals, &session); });
  spdlog::info("sheaf-worker {} for {}", SHEAF_VERSION, flags.server);
  const absl::Status status = session.Run();
  pthread_kill(watcher.native_handle(), SIGUSR1);
  watcher.join();
  if (status.ok()) return 0;
  spdlog::critical("the server refuses this worker: {}", status.ToString());
  return kExitRefused;
}
