// The thread that looks after what time alone brings about: once a second what
// is due in the queues, a step of the clock, the store's health; now and then
// artifacts that nobody needs.
#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "base/stop_flag.h"
#include "queue/leasing/caretaker.h"
#include "server/blobs/artifact_library.h"
#include "server/handlers/core.h"

namespace sheaf::server {

struct UpkeepOptions {
  Caretaker* caretaker = nullptr;
  Upkeep upkeep;
  absl::Duration artifact_keep = absl::Hours(24);
  // Told once a second; cheap.
  std::function<void()> on_tick;
};

class UpkeepThread {
 public:
  UpkeepThread(Core* core, ServerClock* clock, UpkeepOptions options);
  ~UpkeepThread() { Stop(); }
  // Waits for the round under way. Idempotent.
  void Stop();

  // Tells an operator of rounds that fail. Empty where all is well.
  std::string Problem() const;

 private:
  void Loop();
  void Round();
  void Note(const absl::Status& status);
  void AdoptStep();
  void CollectArtifacts();

  Core* const core_;
  ServerClock* const clock_;
  const UpkeepOptions options_;
  std::chrono::steady_clock::time_point next_collection_;  // of the thread
  StopFlag stopping_;
  mutable absl::Mutex mutex_;
  int failures_ ABSL_GUARDED_BY(mutex_) = 0;  // rounds in a row
  std::string failure_ ABSL_GUARDED_BY(mutex_);
  std::thread thread_;
};

}  // namespace sheaf::server
