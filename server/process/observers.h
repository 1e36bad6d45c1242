// The list of those who are told of each commit. Nobody else is told that a run
// has ended, so an end counts once on every board, whichever way it came about:
// a worker's report, a lease that ran out, a worker's death, a cancel, a purge.
#pragma once

#include <functional>
#include <vector>

#include "queue/store.h"
#include "server/blobs/artifact_library.h"
#include "server/blobs/checkpoint_store.h"
#include "server/scheduling/arrivals.h"
#include "server/scheduling/auto_planner.h"
#include "server/scheduling/batches_under_way.h"
#include "server/scheduling/lease_waiters.h"
#include "server/scheduling/memory_board.h"
#include "server/scheduling/prices_board.h"
#include "server/scheduling/workers.h"
#include "server/telemetry/event_hub.h"
#include "server/telemetry/previews.h"
#include "server/telemetry/progress.h"
#include "server/telemetry/queue_throughput.h"
#include "server/telemetry/stats_board.h"

namespace sheaf::server {

// Called after each commit, on the store's thread of answers, one commit after
// another and before the answers to the commit's writes: a caller who asks as
// soon as it has its answer finds what it did on every board. Must not wait.
using CommitObserver = std::function<void(const Committed&, absl::Time now)>;

// All of them outlive the observers.
struct Observing {
  Store* store = nullptr;
  StatsBoard* stats = nullptr;
  ProgressBoard* progress = nullptr;
  PreviewBoard* previews = nullptr;
  QueueThroughput* throughput = nullptr;
  BatchesUnderWay* under_way = nullptr;
  WorkerRegistry* workers = nullptr;
  PricesBoard* prices = nullptr;
  MemoryBoard* memory = nullptr;
  CheckpointStore* checkpoints = nullptr;
  ArtifactLibrary* files = nullptr;  // its threads may wait for the disk
  EventHub* events = nullptr;
  Arrivals* arrivals = nullptr;
  AutoPlanner* auto_planner = nullptr;
  LeaseWaiters* lease_waiters = nullptr;
  bool owners_are_limited = false;  // how many runs of one may run
};

// In the order in which they are called: boards first, then those who wake
// others, who look at the boards.
std::vector<CommitObserver> ObserversOf(const Observing& parts);

}  // namespace sheaf::server
