// Picks the waiting runs that a worker gets next: the part of Lease that only
// reads.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "queue/leasing/lease.h"

namespace sheaf {

struct Picked {
  Queue queue;
  std::vector<LeasedRun> runs;  // at least one, of one priority
  double predicted_ms = 0;      // for all of them; 0: not priced
  bool planned = false;         // the queue's plan puts them together
  PlanId plan;                  // with plan_batch: where they are a whole batch
  int64_t plan_batch = 0;
};

// The outcome of a look: runs, or a run that must fail before anything can be
// picked, or nothing.
struct Look {
  std::optional<Picked> picked;
  std::optional<Run> late;  // its start_deadline has passed
  std::string late_queue;
  std::vector<Queue> resumed;  // their pauses are over, and are to end
  // A plan of which further batches have gone, to be saved.
  std::optional<PlanRecord> plan;
  // Where there is nothing: when there may be something.
  absl::Time next_time = absl::InfiniteFuture();
  WorkerId better;  // as in LeaseResult
  LeaseNotes notes;
};

// With `beside`, the lane of a batch at hand, it picks only runs that may join
// that batch, and nothing where other work comes first. `heads` is fresh.
Look Pick(Tx& tx, const Lessee& who, LeasePolicy* policy, HeadIndex& heads,
          const Lane* beside = nullptr);

// The runs with what they ask for. Quick where a job's runs stand together.
std::vector<LeasedRun> LoadRuns(Tx& tx, std::vector<Run> runs);

// A waiting run whose start_deadline has passed fails.
void FailOneLate(Tx& tx, const std::string& queue, Run run);

}  // namespace sheaf
