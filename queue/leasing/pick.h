// Picks the waiting runs that a worker gets next: the part of Lease that only
// reads (but it ends pauses that are over, and fails runs that come too late).
#pragma once

#include <optional>
#include <vector>

#include "queue/leasing/lease.h"

namespace sheaf {

struct Picked {
  Queue queue;
  std::vector<Run> runs;  // at least one, of one priority
  bool planned = false;   // the queue's plan puts them together
  PlanId plan;            // with plan_batch: where they are a whole batch
  int64_t plan_batch = 0;
};

// Where it picks nothing, `next_time` is when there may be something. With
// `beside`, the lane of a batch at hand, it picks only runs that may join that
// batch, and nothing where other work comes first.
std::optional<Picked> Pick(Tx& tx, const Lessee& who, LeasePolicy* policy,
                           absl::Time* next_time, const Lane* beside = nullptr);

// The runs with what they ask for. Quick where a job's runs stand together.
std::vector<LeasedRun> LoadRuns(Tx& tx, std::vector<Run> runs);

// A waiting run whose start_deadline has passed fails.
void FailOneLate(Tx& tx, const std::string& queue, Run run);

}  // namespace sheaf
