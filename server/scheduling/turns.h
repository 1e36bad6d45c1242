// Decides which runs a worker gets next. Owners take turns
// (batching/continuous/fair.h). A run prefers a worker that has its model
// loaded, and waits for the worker that the placement rule names
// (batching/continuous/placement.h), but only for a bounded time.
//
// Owned by the server. Next is called on the writer's thread; the rest on any.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "batching/continuous/fair.h"
#include "batching/continuous/placement.h"
#include "queue/leasing/lease.h"

namespace sheaf::server {

// Another worker, with the facts that placing needs.
struct WorkerPlace {
  Lessee who;
  double free_ms = 0;  // until it is done with what it holds; 0: it waits
  int64_t runs = 0;    // that it holds
};

struct TurnOptions {
  bool fair = true;
  batching::FairOptions fairness;
  batching::PlacementRule placement = batching::PlacementRule::kEarliestFinish;
  // The longest that a run waits for a better worker.
  absl::Duration affinity_wait = absl::Seconds(5);
  // Milliseconds to change a worker's model to a lane's; null: it takes no
  // time.
  std::function<double(const Lessee&, const Lane&)> swap_ms;
};

class Turns {
 public:
  // `others` tells of the workers that are here, and when they are free.
  Turns(TurnOptions options, std::function<std::vector<WorkerPlace>()> others)
      : options_(std::move(options)), others_(std::move(others)) {}

  LeasePolicy::Turn Next(const Lessee& who, const std::vector<LaneHead>& heads,
                         absl::Time now);

  // Notes that a worker is about to get a batch, and no longer waits.
  void Taking(WorkerId worker, absl::Time now);
  absl::Time TakenAt(WorkerId worker) const;

  // Notes that a batch was handed out: its owners have had `ms` of GPU time,
  // each by their part of the runs, and the worker has the model loaded.
  void Took(const Leased& leased, const Lessee& who, double ms, absl::Time now);

  // The worker offers to hand back its batch for the sake of the waiting run
  // `to`. False where another worker has done so lately: one is enough.
  bool GivesWay(WorkerId worker, RunId to, absl::Time now);

  // Whether the worker was last given this model.
  bool IsLoaded(WorkerId worker, const Lane& lane) const;
  // Predicted GPU time that owners were given since the server started.
  std::map<std::string, absl::Duration> Given() const;

 private:
  struct Deferred {
    absl::Time since;
    absl::Time seen;
  };
  // Whether this worker should leave the run to another worker.
  bool LeaveIt(const Lessee& who, const LaneHead& head,
               const std::vector<WorkerPlace>& others)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // The worker as a place for a batch of the lane.
  batching::WorkerView ViewOf(const WorkerPlace& place, const Lane& lane) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool IsLoadedLocked(WorkerId worker, const Lane& lane) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const TurnOptions options_;
  const std::function<std::vector<WorkerPlace>()> others_;
  mutable absl::Mutex mutex_;
  batching::FairState fair_ ABSL_GUARDED_BY(mutex_);
  std::map<std::string, double> given_ms_ ABSL_GUARDED_BY(mutex_);
  // The model that each worker was last given.
  std::map<WorkerId, std::string> loaded_ ABSL_GUARDED_BY(mutex_);
  std::map<WorkerId, absl::Time> taken_ ABSL_GUARDED_BY(mutex_);
  // Runs that were first in line and passed over: since when, and when last.
  std::map<RunId, Deferred> deferred_ ABSL_GUARDED_BY(mutex_);
  // The worker that gives way to each run, and since when.
  std::map<RunId, std::pair<WorkerId, absl::Time>> ways_
      ABSL_GUARDED_BY(mutex_);
  int64_t last_worker_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace sheaf::server
