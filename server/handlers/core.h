// What the handlers share. Owned by Server (server/process/server.h);
// everything in it may be called from any thread.
#pragma once

#include <atomic>
#include <functional>
#include <string>

#include "absl/time/time.h"
#include "base/timer.h"
#include "queue/leasing/lease.h"
#include "queue/store.h"
#include "queue/submit.h"
#include "server/telemetry/pace.h"

namespace sheaf::server {

class ArtifactLibrary;
class BatchMeter;
class ByteBudget;
class ChangeLimit;
class CheckpointStore;
class EventHub;
class LeaseBroker;
class PreviewBoard;
class ProgressBoard;
class StatsBoard;
class StreamSlots;
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
  ByteBudget* submit_bytes = nullptr;
  ChangeLimit* changes = nullptr;
  StreamSlots* uploads = nullptr;
  StreamSlots* downloads = nullptr;  // of artifacts and checkpoints
  StreamSlots* saves = nullptr;      // of checkpoints
  std::function<absl::Time()> now;
  SubmitLimits submit_limits;
  int64_t page_bytes_max = 8 << 20;  // of one answer that is a list
  int64_t owner_running_max = 0;
  int64_t pixels_max = 0;  // of a picture; 0: any number
  int preview_steps = 0;
  int checkpoint_steps = 0;  // between two of a run; 0: none are made
  absl::Duration lease_duration;
  absl::Duration heartbeat_interval;
  absl::Duration worker_grace;
  std::atomic<bool> stopping = false;
};

}  // namespace sheaf::server
