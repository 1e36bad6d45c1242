#include "server/process/local_workers.h"

#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "base/backoff.h"
#include "base/log/log.h"
#include "base/status.h"
#include "server/config/config.h"
#include "server/process/child_process.h"

namespace sheaf::server {
namespace {

// A worker that ends so many times in a row, never healthy, is a problem.
constexpr int kQuickEndsMax = 3;
// How often to look where the kernel cannot tell (see ChildProcess::end_fd).
constexpr absl::Duration kLook = absl::Milliseconds(200);
// Loading LibTorch takes seconds on a cold disk.
constexpr absl::Duration kDevicesWithin = absl::Minutes(1);
// After SIGKILL only the kernel itself can hold a process back.
constexpr absl::Duration kKillWait = absl::Seconds(5);

absl::Time SteadyNow() {
  return absl::UnixEpoch() +
         absl::FromChrono(std::chrono::steady_clock::now().time_since_epoch());
}

int PollTimeout(absl::Duration wait) {
  wait = std::clamp(wait, absl::ZeroDuration(), absl::Hours(1));
  // Rounds up, so that due work is due when we wake.
  return static_cast<int>(
      absl::ToInt64Milliseconds(absl::Ceil(wait, absl::Milliseconds(1))));
}

std::string ArgumentFor(const std::string& arg, int index) {
  return absl::StrReplaceAll(arg, {{"{index}", absl::StrCat(index)}});
}

// Asks the command for its devices, and gives each device one worker of its
// own.
absl::Status CountDevices(LocalWorkersOptions* options) {
  std::vector<std::string> argv = {options->command};
  for (const std::string& arg : options->args) {
    if (arg.starts_with("--device")) {
      return absl::InvalidArgumentError(absl::StrCat(
          "local_workers = auto gives each worker its device: leave out ",
          arg));
    }
    argv.push_back(ArgumentFor(arg, 0));
  }
  argv.emplace_back("--list-devices");
  const auto output =
      ChildProcess::OutputOf(argv, options->environment, kDevicesWithin);
  if (!output.ok()) {
    return absl::Status(output.status().code(),
                        absl::StrCat("cannot count the devices for "
                                     "local_workers = auto: ",
                                     output.status().message()));
  }
  const std::vector<std::string> devices =
      absl::StrSplit(*output, '\n', absl::SkipWhitespace());
  if (devices.empty()) {
    return absl::UnavailableError(absl::StrCat(
        options->command, " --list-devices lists no device for local_workers"));
  }
  Log(spdlog::level::info, "local_workers", "starting a worker for each device",
      {{"devices", absl::StrJoin(devices, ",")}});
  options->count = static_cast<int>(devices.size());
  options->args.emplace_back("--device=auto:{index}");
  return absl::OkStatus();
}

}  // namespace

struct LocalWorkers::Child {
  int index = 0;
  std::optional<ChildProcess> process;
  absl::Time start_time;
  absl::Time next_start = absl::InfinitePast();
  int starts = 0;
  int quick_ends = 0;  // in a row
  std::string last_end;

  std::string Name() const { return absl::StrCat("local-", index); }
};

absl::StatusOr<std::unique_ptr<LocalWorkers>> LocalWorkers::Start(
    LocalWorkersOptions options) {
  const std::string& command = options.command;
  const bool is_path = command.find('/') != std::string::npos;
  if (command.empty() || (is_path && access(command.c_str(), X_OK) != 0)) {
    return absl::NotFoundError(absl::StrCat("cannot run the worker command '",
                                            command, "': ", strerror(errno)));
  }
  if (options.count == kAuto) SHEAF_RETURN_IF_ERROR(CountDevices(&options));
  std::unique_ptr<LocalWorkers> workers(new LocalWorkers(std::move(options)));
  if (workers->wake_fd_ < 0) {
    return absl::ResourceExhaustedError(
        absl::StrCat("cannot watch local workers: ", strerror(errno)));
  }
  workers->thread_ = std::thread([w = workers.get()] { w->Supervise(); });
  return workers;
}

LocalWorkers::LocalWorkers(LocalWorkersOptions options)
    : options_(std::move(options)), wake_fd_(eventfd(0, EFD_CLOEXEC)) {
  for (int i = 0; i < options_.count; ++i) {
    Child child;
    child.index = i;
    children_.push_back(std::move(child));
  }
}

LocalWorkers::~LocalWorkers() {
  Stop(absl::ZeroDuration());
  if (wake_fd_ >= 0) close(wake_fd_);
}

void LocalWorkers::Stop(absl::Duration limit) {
  {
    absl::MutexLock lock(&mutex_);
    if (stopping_) return;
    stopping_ = true;
    stop_limit_ = limit;
  }
  if (!thread_.joinable()) return;
  eventfd_write(wake_fd_, 1);
  thread_.join();
}

int64_t LocalWorkers::restart_count() const {
  absl::MutexLock lock(&mutex_);
  return restarts_;
}

int LocalWorkers::running_count() const {
  absl::MutexLock lock(&mutex_);
  return running_;
}

std::vector<std::string> LocalWorkers::Problems() const {
  absl::MutexLock lock(&mutex_);
  return problems_;
}

void LocalWorkers::Supervise() {
  while (true) {
    {
      absl::MutexLock lock(&mutex_);
      if (stopping_) break;
    }
    const absl::Time next = DoDue(SteadyNow());
    Publish();
    Wait(next, /*wakes=*/true);
  }
  absl::Duration limit;
  {
    absl::MutexLock lock(&mutex_);
    limit = stop_limit_;
  }
  StopAll(limit);
  Publish();
}

absl::Time LocalWorkers::DoDue(absl::Time now) {
  absl::Time next = absl::InfiniteFuture();
  for (Child& child : children_) {
    if (!child.process && child.next_start <= now) Spawn(child, now);
    if (!child.process) {
      next = std::min(next, child.next_start);
    } else if (child.quick_ends > 0) {
      const absl::Time healthy_time = child.start_time + options_.healthy;
      if (healthy_time <= now) child.quick_ends = 0;
      if (healthy_time > now) next = std::min(next, healthy_time);
    }
  }
  return next;
}

void LocalWorkers::Spawn(Child& child, absl::Time now) {
  std::vector<std::string> argv = {options_.command, "--server",
                                   options_.server,  "--name",
                                   child.Name(),     "--exit-with-parent"};
  for (const std::string& arg : options_.args) {
    argv.push_back(ArgumentFor(arg, child.index));
  }
  child.start_time = now;
  if (child.starts++ > 0) {
    absl::MutexLock lock(&mutex_);
    ++restarts_;
  }
  auto process = ChildProcess::Spawn(argv, options_.environment);
  if (!process.ok()) {
    Ended(child, std::string(process.status().message()), now);
    return;
  }
  child.process = *std::move(process);
  Log(spdlog::level::info, "local_workers", "worker started",
      {{"worker", child.Name()}, {"pid", child.process->pid()}});
}

void LocalWorkers::Ended(Child& child, const std::string& how, absl::Time now) {
  child.process.reset();
  const std::string lived = absl::FormatDuration(
      absl::Trunc(now - child.start_time, absl::Milliseconds(1)));
  if (leaving_) {
    Log(spdlog::level::info, "local_workers", "worker left",
        {{"worker", child.Name()}, {"how", how}, {"lived", lived}});
    return;
  }
  if (now - child.start_time >= options_.healthy) child.quick_ends = 0;
  ++child.quick_ends;
  child.last_end = how;
  const absl::Duration wait = WaitAfter(
      child.quick_ends, options_.backoff_first, options_.backoff_longest);
  child.next_start = now + wait;
  Log(spdlog::level::warn, "local_workers", "worker ended",
      {{"worker", child.Name()},
       {"how", how},
       {"lived", lived},
       {"next_start_in", absl::FormatDuration(wait)}});
}

void LocalWorkers::Wait(absl::Time until, bool wakes) {
  std::vector<pollfd> watched;
  if (wakes) watched.push_back({.fd = wake_fd_, .events = POLLIN});
  absl::Duration wait = until - SteadyNow();
  for (const Child& child : children_) {
    if (!child.process) continue;
    const int fd = child.process->end_fd();
    if (fd >= 0) watched.push_back({.fd = fd, .events = POLLIN});
    if (fd < 0) wait = std::min(wait, kLook);
  }
  poll(watched.data(), watched.size(), PollTimeout(wait));
  const absl::Time now = SteadyNow();
  for (Child& child : children_) {
    if (!child.process) continue;
    if (const auto how = child.process->Reap()) Ended(child, *how, now);
  }
}

bool LocalWorkers::AnyRunning() const {
  return std::any_of(children_.begin(), children_.end(),
                     [](const Child& c) { return c.process.has_value(); });
}

void LocalWorkers::SignalAll(int number) {
  for (const Child& child : children_) {
    if (child.process) child.process->Signal(number);
  }
}

void LocalWorkers::StopAll(absl::Duration limit) {
  leaving_ = true;
  SignalAll(SIGTERM);
  const absl::Time deadline = SteadyNow() + limit;
  while (AnyRunning() && SteadyNow() < deadline) Wait(deadline, false);
  if (!AnyRunning()) return;
  Log(spdlog::level::warn, "local_workers",
      "workers did not leave in time and are killed",
      {{"limit", absl::FormatDuration(limit)}});
  SignalAll(SIGKILL);
  const absl::Time give_up = SteadyNow() + kKillWait;
  while (AnyRunning() && SteadyNow() < give_up) Wait(give_up, false);
}

void LocalWorkers::Publish() {
  int running = 0;
  std::vector<std::string> problems;
  for (const Child& child : children_) {
    if (child.process) ++running;
    if (child.quick_ends < kQuickEndsMax) continue;
    problems.push_back(
        absl::StrCat("local worker ", child.Name(), " ended ", child.quick_ends,
                     " times soon after its start: ", child.last_end));
  }
  absl::MutexLock lock(&mutex_);
  running_ = running;
  problems_ = std::move(problems);
}

}  // namespace sheaf::server
