// The thread that looks after what time alone brings about: once a second what
// is due in the queues, a step of the clock, the store's health; now and then
// artifacts that nobody needs.
#pragma once

#include <functional>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "queue/caretaker.h"
#include "server/artifact_library.h"
#include "server/clock.h"
#include "server/core.h"

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
  ~UpkeepThread();  // waits for the round under way

 private:
  void Loop();
  void Round();
  void AdoptStep();
  void CollectArtifacts();
  bool Sleep(absl::Duration duration);  // false: stopping

  Core* const core_;
  ServerClock* const clock_;
  const UpkeepOptions options_;
  absl::Time next_collection_;
  absl::Mutex mutex_;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace sheaf::server
