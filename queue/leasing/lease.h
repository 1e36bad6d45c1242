// Handing work to workers, hearing from them, and taking it back.
//
// A lease is a batch row with an epoch, a time and a secret. Reports show who
// holds it (queue/leasing/lease_claim.h); a report with an old epoch, or
// without the secret, changes nothing. The caretaker
// (queue/leasing/caretaker.h) takes back leases that ran out.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "queue/error.h"
#include "queue/leasing/head_index.h"
#include "queue/leasing/lease_claim.h"
#include "queue/leasing/names.h"
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
  // A batch that it holds and that the leased runs are to join between two
  // steps; none: they begin a batch of their own. With it, the secret that
  // shows that it holds the batch (LeaseClaim::secret), and how many rows it
  // steps now.
  BatchId beside = {};
  std::string beside_secret = {};
  int row_count = 0;
  // The secret of the lease that it gets (Batch::secret).
  std::string new_secret = {};
};

// Whether the worker takes work of this lane at all.
bool CanServe(const Lessee& who, const Lane& lane);
// Whether runs of these lanes may step together, as far as their lanes tell.
bool DifferInOwnerAlone(const Lane& a, const Lane& b);

struct LeasedRun {
  Run run;
  RunParams params;  // effective
  std::string owner;
};

struct Leased {
  Batch batch;
  std::string kind;
  // The runs that the worker is to make: all of the batch but its twins.
  std::vector<LeasedRun> runs;
  // The plan and the number of its batch, where this is a whole one.
  PlanId plan;
  int64_t plan_batch = 0;
  double predicted_ms = 0;  // by the policy; 0: it does not say
};

// The facts of a look for work that its policy wants to remember. The queue
// does not look at them.
struct LeaseNotes {
  std::vector<RunId> passed;  // runs that others went before, out of turn
  double rank = 0;            // the lowest of those that wait
};

struct LeaseResult {
  std::optional<Leased> leased;
  LeaseNotes notes;
  // Where it got nothing because a run is better left to another worker: that
  // worker.
  WorkerId better;
  // The lane of the batch that the worker wants joined.
  std::optional<Lane> beside;
  // Where there was nothing: the time when there may be something, by the clock
  // alone (a scheduled run, a retry, a resume_time).
  absl::Time next_time = absl::InfiniteFuture();
  // The batch to be joined is not the worker's any more.
  bool lost = false;
};

// One place in line of a queue whose policy lets runs of different jobs go
// together: the first due runs, all of one priority, of lanes that differ in
// their owner alone; the owners take turns.
struct Line {
  Lane lane;  // of the first
  std::vector<LeasedRun> waiting;
};

// Decisions that the domain leaves to the server: whose turn it is, which runs
// go together now, how many fit. Called on the writer's thread, so they must be
// quick. Each is a question: it changes nothing, as it may be repeated for the
// same lease, or asked for the sake of the answer alone. The policy learns from
// LeaseResult what has become of it, after the commit.
class LeasePolicy {
 public:
  struct Turn {
    std::optional<size_t> head;  // none: all of them are better left waiting
    absl::Time wait_until = absl::InfiniteFuture();
    WorkerId better;  // a worker for which one of them waits
    LeaseNotes notes;
  };
  struct Choice {
    std::vector<LeasedRun> runs;  // none: wait for more
    absl::Time wait_until = absl::InfiniteFuture();
    double predicted_ms = 0;  // for these runs; 0: not priced
  };
  struct Terms {
    int runs = 1;             // how many of them the worker takes, at least 1
    double predicted_ms = 0;  // for as many; 0: not priced
  };
  virtual ~LeasePolicy() = default;

  // The index of the store's heads in which owners have the policy's ranks; one
  // is made for each call where it is null.
  virtual HeadIndex* heads() { return nullptr; }
  // The model that the worker has loaded, as far as is known.
  virtual std::string LoadedModel(const Lessee&) const { return ""; }
  // How many runs of an owner may run at once; 0: any number.
  virtual int64_t RunningMax(const std::string& owner) const = 0;
  // Which of the first runs of lanes this worker is to begin with. The runs are
  // due, of one priority, in the order of their line; there is at least one.
  // Where all of them are left waiting, others may be shown.
  virtual Turn Next(const Lessee& who, const std::vector<LaneHead>& heads,
                    absl::Time now) const = 0;
  // The lane with its absent values as this worker fills them in: runs of lanes
  // that are then equal may go together.
  virtual Lane Spelled(const Lessee&, const Lane& lane) const { return lane; }
  // How many of these runs, from the first on, may differ as they do in one
  // batch on this worker: at least one. There is at least one.
  virtual size_t CountThatMix(const Lessee&,
                              const std::vector<LeasedRun>& runs) const {
    return runs.size();
  }
  // How many runs like this one fit the worker's device together.
  virtual int RowsMax(const Lessee& who, const RunParams& like) const = 0;
  // How many of these runs, from the first on, fit the worker's device
  // together: at least one. There is at least one.
  virtual size_t CountThatFit(const Lessee& who,
                              const std::vector<LeasedRun>& runs) const = 0;
  // Which runs go together now. `lines` is not empty, nor is any of them.
  virtual Choice Choose(const Queue& queue, const Lessee& who,
                        std::vector<Line> lines, absl::Time now) const = 0;
  // How many of `runs`, which this worker is about to get, it takes; the rest
  // is for other workers. `predicted_ms`: for all of them, where that is known.
  virtual Terms TermsOf(const Lessee& who, const Lane& lane,
                        const std::vector<LeasedRun>& runs, double predicted_ms,
                        absl::Time now) const = 0;
};

// Picks the first waiting run that this worker can serve (by priority, then by
// the policy's turn, or by time without a policy) and marks it RUNNING, with
// the runs that go with it. These are the rest of its batch where its queue
// goes by a plan; otherwise the policy's choice, where the queue's settings
// want that; otherwise its natural batch (runs of the same job and lane, up to
// the queue's batch size).
//
// Beside a batch at hand (Lessee::beside) it picks the same first run, and
// answers it only if it can step with that batch: it is of the same queue,
// whose settings let runs of different jobs go together, in a lane that differs
// in its owner alone, and in no batch of a plan. The runs that go with it must
// fit in the same way, and there are no more of them than the batch has room
// for. So joining runs never go before work that is due first.
LeaseResult Lease(Tx& tx, const Lessee& who, absl::Duration lease_duration,
                  LeasePolicy* policy = nullptr);

// The lane of a due run that the worker could begin with now, as far as can be
// said without asking the policy.
std::optional<Lane> NextWork(Tx& tx, const Lessee& who, LeasePolicy* policy);

// The answer to a heartbeat.
struct HeartbeatReply {
  absl::Time lease_expire_time;
  std::vector<RunId> cancel;   // to stop, and report as cancelled
  std::vector<RunId> release;  // to stop, and hand back
  bool lost = false;           // the lease is no longer this worker's
};

// Renews the lease if more than half of its time is used up. With `give_way`
// the worker is to hand back all its runs.
HeartbeatReply Heartbeat(Tx& tx, const LeaseClaim& claim,
                         absl::Duration lease_duration, bool give_way = false);

// The waiting run to which the batch had better give way: all runs of the batch
// have a lower priority, the waiting run's queue lets it take their place
// (QueueSettings::preempt_from), it would go to this worker now, and it has
// waited long enough for a free one. Mostly there is none, and the answer is
// quick then. A question: it changes nothing.
std::optional<RunId> OutrankedBy(Tx& tx, BatchId batch, const Lessee& who,
                                 LeasePolicy* policy = nullptr);

// Hands back the runs that a lease still holds. LEASE_LOST where it is
// another's.
absl::StatusOr<int> ReleaseLease(Tx& tx, const LeaseClaim& claim);

// Gives every lease its full time again, and its batch the time that its queue
// allows: after a restart, or when the clock is set ahead by `step`, so that no
// live worker loses its work to time it did not have.
void RenewLeases(Tx& tx, absl::Duration lease_duration,
                 absl::Duration step = absl::ZeroDuration());

}  // namespace sheaf
