// The thread that accepts connections and hands them to gRPC.
//
// gRPC's own listener stops listening for good when no descriptor is free
// (CVE-2023-4785), and limits no caller. This loop keeps a descriptor in
// reserve, with which it can accept and close. Where the kernel has nothing
// left, it pauses and goes on.
//
// Owned by the server; its calls may come from any thread.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "server/admission/connection_table.h"

namespace sheaf::server {

class AcceptLoop {
 public:
  // Takes over `fd`, a connection that `listening` has accepted.
  using Take = std::function<void(int listening, int fd)>;

  // `sockets` listen, do not block, and outlive this.
  AcceptLoop(std::vector<int> sockets, ConnectionLimits limits, Take take);
  ~AcceptLoop();  // stops

  // Call once.
  void Start();
  // Accepts nothing more. Idempotent.
  void Stop();

  // Connections that were accepted, also those refused. It grows as long as
  // callers come and the loop lives.
  int64_t accepted() const { return accepted_; }

  int64_t refused() const { return refused_; }

  // Says who was refused last, and why; empty where nobody was refused for a
  // minute.
  std::string Note() const;

 private:
  using Clock = std::chrono::steady_clock;

  void Loop();
  // False: nothing waits there now.
  bool AcceptOne(int listening);
  bool Failed(int listening, int error);
  void Welcome(int listening, int fd);
  void Refuse(int fd, const std::string& why);
  void Warn(const std::string& what);
  void Pause();

  const std::vector<int> sockets_;
  const Take take_;
  ConnectionTable table_;  // of the thread
  int reserve_ = -1;
  int wake_ = -1;
  std::atomic<bool> stopping_ = false;
  std::atomic<int64_t> accepted_ = 0;
  std::atomic<int64_t> refused_ = 0;
  mutable absl::Mutex mutex_;
  std::string warned_ ABSL_GUARDED_BY(mutex_);
  Clock::time_point warned_at_ ABSL_GUARDED_BY(mutex_);
  Clock::time_point logged_at_ ABSL_GUARDED_BY(mutex_);
  std::thread thread_;
};

}  // namespace sheaf::server
