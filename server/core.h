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
class CheckpointStore;
class EventHub;
class LeaseBroker;
class PreviewBoard;
class ProgressBoard;
class StatsBoard;
class Turns;
class WorkerRegistry;

struct Core {
  Store* store = nullptr;
  Timer* timer = nullptr;
  EventHub* events = nullptr;
  LeaseBroker* broker = nullptr;
  WorkerRegistry* workers = nullptr;
  ProgressBoard* progress = nullptr;
  PreviewBoard* previews = nullptr;
  Pace* pace = nullptr;
  StatsBoard* stats = nullptr;
  BatchMeter* meter = nullptr;
  LeasePolicy* lease_policy = nullptr;
  Turns* turns = nullptr;
  ArtifactLibrary* artifacts = nullptr;
  CheckpointStore* checkpoints = nullptr;
  std::function<absl::Time()> now;
  int64_t owner_queued_max = 0;  // runs; 0: no limit
  int64_t owner_running_max = 0;
  int preview_steps = 0;
  int checkpoint_steps = 0;  // between two of a run; 0: none are made
  absl::Duration lease_duration;
  absl::Duration heartbeat_interval;
  absl::Duration worker_grace;
  std::atomic<bool> stopping = false;
  mutable std::atomic<int64_t> calls = 0;  // that have come in
};

}  // namespace sheaf::server
