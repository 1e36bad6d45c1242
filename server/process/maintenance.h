// The thread for the work that time alone brings about: once a second, due work
// in the queues, a step of the clock and the store's health; now and then,
// artifacts that nobody needs.
#pragma once

#include <functional>
#include <string>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "base/steady_clock.h"
#include "base/stop_flag.h"
#include "queue/leasing/caretaker.h"
#include "queue/store.h"
#include "server/blobs/artifact_library.h"
#include "server/blobs/checkpoint_store.h"

namespace sheaf::server {

// The parts that the thread works with; all of them outlive the thread.
struct MaintenanceOptions {
  Store* store = nullptr;
  ServerClock* clock = nullptr;
  Caretaker* caretaker = nullptr;
  ArtifactLibrary* artifacts = nullptr;
  CheckpointStore* checkpoints = nullptr;
  absl::Duration lease_duration;
  Maintenance maintenance;
  absl::Duration artifact_keep = absl::Hours(24);
  // Called once a second; must be cheap.
  std::function<void()> on_tick;
  SteadyClock* steady = SteadyClock::Real();
};

class MaintenanceThread {
 public:
  explicit MaintenanceThread(MaintenanceOptions options);
  ~MaintenanceThread() { Stop(); }
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

  const MaintenanceOptions options_;
  absl::Time next_collection_;  // steady; of the thread
  StopFlag stopping_;
  mutable absl::Mutex mutex_;
  int failures_ ABSL_GUARDED_BY(mutex_) = 0;  // rounds in a row
  std::string failure_ ABSL_GUARDED_BY(mutex_);
  std::thread thread_;
};

}  // namespace sheaf::server
