// Orders of operators to workers: to leave, to measure their models.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "queue/store.h"
#include "server/scheduling/lease_waiters.h"
#include "server/scheduling/workers.h"

namespace sheaf::server {

// Borrows both. Any thread.
class WorkerOrders {
 public:
  WorkerOrders(WorkerRegistry* workers, LeaseWaiters* lease_waiters)
      : workers_(*workers), lease_waiters_(*lease_waiters) {}

  // Tells the worker to leave once it has nothing under way, and ends its wait
  // for work. Answers the worker as it is then. WORKER_NOT_FOUND.
  absl::StatusOr<WorkerInfo> Drain(const std::string& name) const;
  // Has the worker measure its models when it next asks for work, and ends its
  // wait for work. WORKER_NOT_FOUND, INVALID_FIELD where it cannot measure.
  absl::StatusOr<WorkerInfo> Calibrate(const std::string& name) const;

 private:
  WorkerRegistry& workers_;
  LeaseWaiters& lease_waiters_;
};

// Notes in the events that the worker of this name is draining, and answers all
// batches under way.
absl::StatusOr<std::vector<Batch>> NoteDraining(Tx& tx,
                                                const std::string& worker);

}  // namespace sheaf::server
