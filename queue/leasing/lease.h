// Handing work to workers, hearing from them, and taking it back.
//
// A lease is a batch row with an epoch, a time and a secret. Reports show who
// holds it (queue/leasing/hold.h); what carries an old epoch, or not its
// secret, changes nothing. Leases that ran out are taken back by whoever looks
// after what time brings about (queue/leasing/caretaker.h).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "queue/error.h"
#include "queue/leasing/hold.h"
#include "queue/names.h"
#include "queue/store.h"

namespace sheaf {

// A worker as far as leasing cares. Empty lists serve everything.
struct Lessee {
  WorkerId id;
  std::string name;
  Names queues;
  Names kinds;
  Names models;
  int batch_size_max = 0;  // 0: no limit of its own
  std::string device;
  int64_t device_bytes = 0;  // its memory; 0: not known
  int64_t pixels_max = 0;    // of a picture; 0: no limit of its own
  // A batch it holds, which what it leases is to join between two steps; none:
  // it begins anew. What shows that it holds that (Hold::secret), and how many
  // rows it steps now.
  BatchId beside = {};
  std::string beside_secret = {};
  int row_count = 0;
  // The secret of the lease that it gets (Batch::secret).
  std::string new_secret = {};
};

// Whether the worker takes work of this lane at all.
bool CanServe(const Lessee& who, const Lane& lane);

struct LeasedRun {
  Run run;
  RunParams params;  // effective
  std::string owner;
};

struct Leased {
  Batch batch;
  std::string kind;
  // Those that the worker is to make: all of the batch but its twins.
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
  // The batch to be joined is not the worker's any more.
  bool lost = false;
};

// One place in line of a queue whose policy lets runs of different jobs go
// together: the first runs that are due of lanes that differ in their owner
// alone, all of one priority; owners by turns.
struct Line {
  Lane lane;  // of the first
  std::vector<LeasedRun> waiting;
};

// What is not for the queue to know: whose turn it is, what goes together now,
// what fits. On the writer's thread, and quick. A call may be made again for
// the same lease, as if the first had not been.
class LeasePolicy {
 public:
  struct Turn {
    std::optional<size_t> head;  // none: all of them are better left waiting
    absl::Time wait_until = absl::InfiniteFuture();
  };
  struct Choice {
    std::vector<RunId> runs;  // none: wait for more
    absl::Time wait_until = absl::InfiniteFuture();
  };
  virtual ~LeasePolicy() = default;

  // How many runs of an owner may run at once; 0: any number.
  virtual int64_t RunningMax(const std::string& owner) = 0;
  // Which of the first runs of lanes this worker is to begin with. They are
  // due, of one priority, in the order of their line, and never none.
  virtual Turn Next(const Lessee& who, const std::vector<LaneHead>& heads,
                    absl::Time now) = 0;
  // How many runs of a lane fit the worker's device together.
  virtual int RowsMax(const Lane& lane, const Lessee& who) = 0;
  // Who goes together now. `lines` is not empty, nor is any of them.
  virtual Choice Choose(const Queue& queue, const Lessee& who,
                        const std::vector<Line>& lines, absl::Time now) = 0;
  // How many of the runs that it is about to get this worker takes, at least 1:
  // the rest is for other workers.
  virtual int Share(const Lessee& who, const Lane& lane,
                    const std::vector<LeasedRun>& runs, absl::Time now) = 0;
};

// Picks the first waiting run this worker can serve (priority, then the
// policy's turn, which is time without one) and marks it RUNNING, with those
// that go with it: the rest of its batch where its queue goes by a plan; else
// whom the policy chooses, where the queue's settings want that; else its
// natural batch (runs of the same job and lane, up to the queue's batch size).
//
// Beside a batch at hand it answers what it would pick anyway, and that only if
// it can step with the batch: of the same queue, whose settings or plan let
// runs of different jobs go together, in lanes that differ in their owner
// alone, and no more than there is room for; a plan's batch whole. So what
// joins goes before nothing that is due before it.
LeaseResult Lease(Tx& tx, const Lessee& who, absl::Duration lease_duration,
                  LeasePolicy* policy = nullptr);

// What a heartbeat learns.
struct Orders {
  absl::Time lease_expire_time;
  std::vector<RunId> cancel;   // to stop, and report as cancelled
  std::vector<RunId> release;  // to stop, and hand back
  bool lost = false;           // the lease is no longer this worker's
};

// Renews the lease, at most half of which is used up by then. With `give_way`
// all of it is to be handed back.
Orders Heartbeat(Tx& tx, const Hold& hold, absl::Duration lease_duration,
                 bool give_way = false);

// The waiting run for which what the batch holds is better handed back: all of
// that is of a lower priority, the run's queue lets it take such a place
// (QueueSettings::preempt_from), and it would go to this worker now, and has
// waited long enough for one that is free. None mostly, and then quick.
std::optional<RunId> OutrankedBy(Tx& tx, BatchId batch, const Lessee& who,
                                 LeasePolicy* policy = nullptr);

// Hands back what a lease still holds. LEASE_LOST where it is another's.
absl::StatusOr<int> ReleaseLease(Tx& tx, const Hold& hold);

// Gives every lease its full time again, and its batch the time that its queue
// allows: after a restart, or when the clock is set ahead by `step`, so that no
// live worker loses its work to time it did not have.
void RenewLeases(Tx& tx, absl::Duration lease_duration,
                 absl::Duration step = absl::ZeroDuration());

}  // namespace sheaf
