// sheafd: the server.
#include <signal.h>
#include <unistd.h>

#include <cstdio>
#include <string>
#include <thread>

#include "absl/synchronization/mutex.h"
#include "base/log/log.h"
#include "base/stop_flag.h"
#include "base/version.h"
#include "queue/error.h"
#include "queue/sqlite/offline/repair.h"
#include "queue/sqlite/offline/restore.h"
#include "server/config/config.h"
#include "server/liveness/service_manager.h"
#include "server/process/process.h"
#include "server/process/server.h"

namespace sheaf::server {
namespace {

int Fail(const absl::Status& status) {
  const auto reason = ReasonOf(status);
  std::string text(status.message());
  if (reason) text += " (" + std::string(InfoOf(*reason).name) + ")";
  std::fprintf(stderr, "sheafd: %s\n", text.c_str());
  return 1;
}

// Signals are taken by one thread, by sigwait; every other thread inherits
// the mask.
sigset_t StopSignals() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGTERM);
  return set;
}

// A stop that hangs for this long after the limit of an orderly stop will not
// end by itself. Everything acknowledged is on the disk.
constexpr absl::Duration kStopGrace = absl::Seconds(15);

// Ends the process after `limit`, unless it is destroyed before.
class HardLimit {
 public:
  explicit HardLimit(absl::Duration limit)
      : thread_([this, limit] {
          if (over_.WaitFor(limit)) return;
          Log(spdlog::level::err, "server",
              "the stop takes too long: ending by force",
              {{"limit", absl::FormatDuration(limit)}});
          _exit(1);
        }) {}
  ~HardLimit() {
    over_.Set();
    thread_.join();
  }
  HardLimit(const HardLimit&) = delete;
  HardLimit& operator=(const HardLimit&) = delete;

 private:
  StopFlag over_;
  std::thread thread_;
};

int Serve(const ServerConfig& config) {
  const sigset_t signals = StopSignals();
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  signal(SIGPIPE, SIG_IGN);
  // Debian's Abseil looks for deadlocks at every lock, which takes a tenth of
  // all time.
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
  // The configuration was checked when it was loaded.
  const LogLevels levels = *ParseLogLevels(config.log_level);
  SetUpLogging({.level = levels.all,
                .components = levels.components,
                .json = config.log_json});
  auto server = Server::Start(config);
  if (!server.ok()) return Fail(server.status());
  for (const std::string& warning : config.warnings) {
    Log(spdlog::level::warn, "server", warning);
  }
  for (const std::string& address : (*server)->addresses()) {
    Log(spdlog::level::info, "server", "listening",
        {{"address", address},
         {"version", kVersion},
         {"data", config.data_dir}});
  }
  const ServiceManager manager;
  manager.Ready();
  int signal_number = 0;
  sigwait(&signals, &signal_number);
  Log(spdlog::level::info, "server", "stopping; a second signal stops at once",
      {{"signal", strsignal(signal_number)}});
  manager.Stopping();
  const HardLimit limit(config.drain_timeout + kStopGrace);
  // From here on the default action applies.
  pthread_sigmask(SIG_UNBLOCK, &signals, nullptr);
  (*server)->Stop();
  Log(spdlog::level::info, "server", "stopped");
  return 0;
}

int PutBack(const Invocation& invocation) {
  const auto restored = sheaf::Restore(invocation.config.data_dir,
                                       invocation.backup_file, absl::Now());
  if (!restored.ok()) return Fail(restored.status());
  std::printf("%s is now the database of %s\n", invocation.backup_file.c_str(),
              invocation.config.data_dir.c_str());
  if (!restored->replaced.empty()) {
    std::printf("the former database is kept as %s\n",
                restored->replaced.c_str());
  }
  return 0;
}

int Mend(const std::string& data_dir) {
  const auto changes = sheaf::Repair(data_dir, absl::Now());
  if (!changes.ok()) return Fail(changes.status());
  for (const std::string& line : *changes) std::printf("%s\n", line.c_str());
  std::printf(changes->empty() ? "nothing had to be changed\n"
                               : "these were all changes\n");
  return 0;
}

int Main(int argc, char** argv) {
  const absl::StatusOr<Invocation> invocation = LoadConfig(
      std::vector<std::string>(argv + 1, argv + argc), ProcessSources());
  if (!invocation.ok()) {
    std::fprintf(stderr, "sheafd: %s\n",
                 std::string(invocation.status().message()).c_str());
    return 2;
  }
  switch (invocation->command) {
    case Command::kPrint:
      std::fputs(invocation->text.c_str(), stdout);
      return 0;
    case Command::kRestore:
      return PutBack(*invocation);
    case Command::kRepair:
      return Mend(invocation->config.data_dir);
    case Command::kServe:
      break;
  }
  return Serve(invocation->config);
}

}  // namespace
}  // namespace sheaf::server

int main(int argc, char** argv) {
  sheaf::server::PrepareProcess();
  return sheaf::server::Main(argc, argv);
}
