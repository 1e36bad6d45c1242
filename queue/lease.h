// Handing work to workers, hearing from them, and taking it back.
//
// A lease is a batch row with an epoch and a time. Reports name both; what
// carries an old epoch changes nothing. Leases that ran out are put back in
// line at the door of the next Lease.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "queue/error.h"
#include "queue/store.h"

namespace sheaf {

// A worker as far as leasing cares. Empty lists serve everything.
struct Lessee {
  WorkerId id;
  std::string name;
  std::vector<std::string> queues;
  std::vector<std::string> kinds;
  std::vector<std::string> models;
  int batch_size_max = 0;  // 0: no limit of its own
};

struct LeasedRun {
  Run run;
  RunParams params;  // effective
};

struct Leased {
  Batch batch;
  std::string kind;
  std::vector<LeasedRun> runs;
  // The batch of a plan that it is, where it is a whole one.
  PlanId plan;
  int64_t plan_batch = 0;
};

struct LeaseResult {
  std::optional<Leased> leased;
  // Where there was nothing: when there may be, by the clock alone (a
  // scheduled run, a retry, a resume_time).
  absl::Time next_time = absl::InfiniteFuture();
};

// One place in line of a queue whose policy lets runs of different jobs go
// together: the first runs of a lane that are due, all of one priority.
struct Line {
  Lane lane;
  std::vector<LeasedRun> waiting;
};

// Who of them goes together now. On the writer's thread, and quick.
class Companions {
 public:
  struct Choice {
    std::vector<RunId> runs;  // none: wait for more
    absl::Time wait_until = absl::InfiniteFuture();
  };
  virtual ~Companions() = default;
  // `lines` is not empty, nor is any of them.
  virtual Choice Choose(const Queue& queue, const Lessee& who,
                        const std::vector<Line>& lines, absl::Time now) = 0;
};

// Picks the first waiting run this worker can serve (priority, then time) and
// marks it RUNNING, with those that go with it: the rest of its batch where
// its queue goes by a plan; else whom `companions` choose, where the queue's
// policy wants that; else its natural batch (runs of the same job and lane, up
// to the queue's batch size).
LeaseResult Lease(Tx& tx, const Lessee& who, absl::Duration lease_duration,
                  Companions* companions = nullptr);

// What a heartbeat learns.
struct Orders {
  absl::Time lease_expire_time;
  std::vector<RunId> cancel;   // to stop, and report as cancelled
  std::vector<RunId> release;  // to stop, and hand back
  bool lost = false;           // the lease is no longer this worker's
};

// Renews the lease, at most half of which is used up by then.
Orders Heartbeat(Tx& tx, BatchId batch, int64_t epoch,
                 absl::Duration lease_duration);

// Ends leases that ran out by now: their runs failed with WORKER_DIED.
void ExpireLeases(Tx& tx);

// Ends every lease of a worker: `died` as above, otherwise handed back
// without fault.
void EndLeasesOf(Tx& tx, WorkerId worker, bool died);

// Hands back what a lease still holds. LEASE_LOST where it is another's.
absl::StatusOr<int> ReleaseLease(Tx& tx, BatchId batch, int64_t epoch);

// Gives every lease its full time again: after a restart, or when the clock
// was set, so that no live worker loses its work to time it did not have.
void RenewLeases(Tx& tx, absl::Duration lease_duration);

// Fails waiting runs whose start_deadline has passed, `limit` at most;
// answers how many.
int FailLate(Tx& tx, int limit);

}  // namespace sheaf
