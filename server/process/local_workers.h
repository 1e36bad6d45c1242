// Workers that sheafd runs itself: starts them, starts them again when they
// end, and stops them before it stops.
//
// One thread is the parent of all workers. It lives until Stop, because workers
// take its end for their parent's death. Each worker is its own process group:
// a Ctrl-C at the terminal reaches sheafd alone, which then stops them in
// order.
//
// Owned by the server. Any thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"

namespace sheaf::server {

struct LocalWorkersOptions {
  int count = 0;                         // kAuto: one for each device
  std::string command;                   // the path of sheaf-worker
  std::string server;                    // the address workers call
  std::vector<std::string> args;         // further; "{index}" becomes 0, 1, ...
  std::vector<std::string> environment;  // NAME=VALUE; all they get

  // Waits before the next start double from `first` to `longest`; a worker
  // that lived for `healthy` starts over at `first`.
  absl::Duration backoff_first = absl::Milliseconds(200);
  absl::Duration backoff_longest = absl::Seconds(10);
  absl::Duration healthy = absl::Seconds(30);
};

class LocalWorkers {
 public:
  // Workers are started in the background. NOT_FOUND where `command` is no
  // program. With kAuto, `command` is first asked for the devices.
  static absl::StatusOr<std::unique_ptr<LocalWorkers>> Start(
      LocalWorkersOptions options);
  ~LocalWorkers();  // kills what Stop has not stopped
  LocalWorkers(const LocalWorkers&) = delete;
  LocalWorkers& operator=(const LocalWorkers&) = delete;

  // Sends SIGTERM, and after `limit` SIGKILL. Returns once no worker is left.
  // Idempotent.
  void Stop(absl::Duration limit);

  // How many times a worker was started after one had ended.
  int64_t restart_count() const;

  // Workers alive now.
  int running_count() const;

  // Problems for an operator: workers that end soon after each start.
  std::vector<std::string> Problems() const;

 private:
  struct Child;

  explicit LocalWorkers(LocalWorkersOptions options);

  // All below run on the supervising thread, on the steady clock.
  void Supervise();
  // Starts the workers that are due, and answers when there is more to do.
  absl::Time DoDue(absl::Time now);
  void Spawn(Child& child, absl::Time now);
  void Ended(Child& child, const std::string& how, absl::Time now);
  // Sleeps until a worker ends, `until`, or, if `wakes`, Stop is called; then
  // reaps those that have ended.
  void Wait(absl::Time until, bool wakes);
  bool AnyRunning() const;
  void SignalAll(int number);
  void StopAll(absl::Duration limit);
  void Publish();

  const LocalWorkersOptions options_;
  const int wake_fd_;  // readable once Stop is called
  std::vector<Child> children_;
  bool leaving_ = false;  // of the supervising thread: StopAll has begun

  mutable absl::Mutex mutex_;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  absl::Duration stop_limit_ ABSL_GUARDED_BY(mutex_);
  int64_t restarts_ ABSL_GUARDED_BY(mutex_) = 0;
  int running_ ABSL_GUARDED_BY(mutex_) = 0;
  std::vector<std::string> problems_ ABSL_GUARDED_BY(mutex_);
  std::thread thread_;
};

}  // namespace sheaf::server
