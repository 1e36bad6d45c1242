// The stay of a worker: it registers and gets a name, its stream opens and
// ends, it says goodbye or is given up.
#pragma once

#include <functional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/timer.h"
#include "queue/leasing/lease_ends.h"
#include "queue/store.h"
#include "server/admission/caller.h"
#include "server/scheduling/lease_waiters.h"
#include "server/scheduling/prices_board.h"
#include "server/scheduling/workers.h"
#include "server/telemetry/stats_board.h"

namespace sheaf::server {

// The terms that a worker is told as its stream opens.
struct Welcome {
  absl::Duration lease_duration;
  absl::Duration heartbeat_interval;
  bool calibrate = false;  // it has models that nobody has measured
};

// Borrows all its parts. Any thread.
class WorkerSessions {
 public:
  struct Parts {
    Store* store = nullptr;
    Timer* timer = nullptr;  // stops before the sessions go
    WorkerRegistry* workers = nullptr;
    LeaseWaiters* lease_waiters = nullptr;
    const PricesBoard* prices = nullptr;
    StatsBoard* stats = nullptr;  // is told who comes and goes
    std::function<absl::Time()> now;
    std::function<bool()> is_closing;  // the server stops: nobody is missed
    absl::Duration lease_duration;
    absl::Duration heartbeat_interval;
    absl::Duration grace;  // for a worker whose stream has ended
  };
  explicit WorkerSessions(Parts parts) : parts_(std::move(parts)) {}

  // Lets a worker of these facts in, and gives it a secret. INVALID_FIELD for
  // models whose names are too long together and for a catalog that is too
  // large, OVERLOADED where too many workers come from the caller's address,
  // WORKER_OUTDATED.
  absl::StatusOr<WorkerInfo> Admit(const Caller& caller,
                                   WorkerInfo worker) const;
  // Gives it a name that no worker has had. On the writer.
  absl::StatusOr<WorkerInfo> Name(Tx& tx, WorkerInfo worker) const;
  // Its stream is open: from now on it may ask for work. `nudge` is as in
  // WorkerRegistry.
  Welcome Open(WorkerInfo worker, WorkerRegistry::Nudge nudge) const;
  // Its stream has ended. Where nothing is heard of it within the grace, it is
  // dead: its leases end, and its runs are tried again. If only the connection
  // broke, it has the time of a lease to be heard of again. May be told twice.
  void StreamEnded(const WorkerInfo& worker) const;
  // It says goodbye and hands back what it holds. `done` comes on a thread of
  // the store, with the first fault there was.
  void Leave(const WorkerInfo& worker,
             std::function<void(absl::Status)> done) const;

  // The worker in whose name the call is made (worker_claim.h).
  absl::StatusOr<WorkerInfo> Find(const Caller& caller, const std::string& name,
                                  const std::string& secret) const;

 private:
  void Miss(WorkerId id, const std::string& name, absl::Duration grace) const;
  void End(WorkerId id, const std::string& name, LeaseEnd how,
           const std::string& reason,
           std::function<void(absl::Status)> done) const;
  bool HasModelsToMeasure(const WorkerInfo& worker) const;

  const Parts parts_;
};

}  // namespace sheaf::server
