// What the handlers share. Owned by Server (server/server.h); everything in it
// may be called from any thread.
#pragma once

#include <atomic>
#include <functional>
#include <string>

#include "absl/time/time.h"
#include "queue/lease.h"
#include "queue/store.h"
#include "server/pace.h"
#include "server/timer.h"

namespace sheaf::server {

class ArtifactLibrary;
class BatchMeter;
class EventHub;
class LeaseBroker;
class ProgressBoard;
class WorkerRegistry;

struct Core {
  Store* store = nullptr;
  Timer* timer = nullptr;
  EventHub* events = nullptr;
  LeaseBroker* broker = nullptr;
  WorkerRegistry* workers = nullptr;
  ProgressBoard* progress = nullptr;
  Pace* pace = nullptr;
  BatchMeter* meter = nullptr;
  Companions* companions = nullptr;
  ArtifactLibrary* artifacts = nullptr;
  std::function<absl::Time()> now;
  absl::Duration lease_duration;
  absl::Duration heartbeat_interval;
  absl::Duration worker_grace;
  std::atomic<bool> stopping = false;
};

}  // namespace sheaf::server
