// The interface that the domain needs of a store: here how it is asked, and in
// queue/rows/ what for, noun by noun. Two implementations: SQLite
// (queue/sqlite/) and the in-memory model of the tests; one conformance suite
// runs against both.
//
// All writes are closures run one after another on one thread, several of them
// in one transaction: a closure that returns an error leaves no trace. To undo
// it, the closures before it in its transaction may be run again, from the
// start and to the same end. So each run of a closure must set the values that
// it leaves outside, not add to them. Reads see one snapshot. A fault of the
// disk, or a row that makes no sense (rows/broken_row.h), ends the closure by
// an exception that only the store catches: use cases carry no code for it.
//
// Times are kept to the millisecond, and now() never lies before an event that
// is stored, but for events that lay more than an hour ahead when the store was
// opened: a clock was wrong then. The artifacts of a run's outputs are
// referenced as long as the run exists.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/time/time.h"
#include "queue/event.h"
#include "queue/rows/artifact_rows.h"
#include "queue/rows/event_rows.h"
#include "queue/rows/job_rows.h"
#include "queue/rows/lane_rows.h"
#include "queue/rows/learned_rows.h"
#include "queue/rows/lease_rows.h"
#include "queue/rows/plan_rows.h"
#include "queue/rows/queue_rows.h"
#include "queue/rows/request_rows.h"
#include "queue/rows/run_rows.h"
#include "queue/types.h"

namespace sheaf {

struct StoreCounts {
  int64_t jobs = 0;
  int64_t artifacts = 0;
  int64_t artifact_bytes = 0;
};

// A snapshot of all that is stored, noun by noun.
class View : public JobReads,
             public RunReads,
             public LaneReads,
             public LeaseReads,
             public PlanReads,
             public QueueReads,
             public EventReads,
             public LearnedReads,
             public ArtifactReads,
             public RequestReads {
 public:
  // The one clock reading of this transaction.
  virtual absl::Time now() const = 0;
  virtual StoreCounts Counts() = 0;
};

// A view that is the writer's, and its changes.
class Tx : public View,
           public JobWrites,
           public RunWrites,
           public LaneWrites,
           public LeaseWrites,
           public PlanWrites,
           public QueueWrites,
           public EventWrites,
           public LearnedWrites,
           public ArtifactWrites,
           public RequestWrites {};

// Runs of a lane that began to wait: new ones, and ones that came back.
struct ReadyRuns {
  Lane lane;
  int64_t runs = 0;
  int64_t added = 0;  // of these, the new ones
};

// The changes of a commit, for those who wait for news.
struct Committed {
  int64_t last_sequence = 0;
  // The work that it brought, by lane; more of it than is listed where
  // `all_ready`, as where a queue was resumed.
  std::vector<ReadyRuns> ready;
  bool all_ready = false;
  std::vector<Event> events;   // appended by it, in order
  std::vector<Queue> changed;  // queues as it left them, each once
};

// The caller that asks the store, and how the call waits its turn.
struct CallOptions {
  // kScan: a read that may look at a great part of the store. It never stands
  // in the way of a short one.
  enum class Length { kShort, kScan };

  // Callers are served in turn by the time that their calls take; the calls of
  // one caller come in their own order. Empty: nobody in particular.
  std::string caller;
  // Callers of one group have one share of the time together: an address and
  // its connections.
  std::string group;
  Length length = Length::kShort;
  // Whether the answer is of no use any more: then the call ends by
  // CALL_CANCELLED, a read also while it runs. Asked on the store's threads,
  // and not after `done`.
  std::function<bool()> cancelled;
  // The server's own call, made without a client: it goes before all others
  // and is never refused for want of room.
  bool own = false;
  // Replies of workers, which end work and make room: they go before the rest.
  bool first = false;
  // The call deletes or ends something, or lets it be deleted. It is taken also
  // while the disk is full, where only little room is left for such calls.
  bool makes_room = false;
};

class Store {
 public:
  using WriteCase = absl::AnyInvocable<absl::Status(Tx&)>;
  using ReadCase = absl::AnyInvocable<absl::Status(View&)>;
  using Done = absl::AnyInvocable<void(absl::Status)>;

  virtual ~Store() = default;

  // Runs `use_case` on the writer, then `done` with its status, after the
  // commit that made it durable. UNAVAILABLE where it could not be; OVERLOADED
  // where too many calls wait already. `done` never runs within Write.
  void Write(WriteCase use_case, Done done, CallOptions options = {}) {
    StartWrite(std::move(use_case), std::move(done), std::move(options));
  }
  // Runs `use_case` on a snapshot, then `done`, on a thread of the store, never
  // within Read. OVERLOADED where too many calls wait already, or where the
  // read takes longer than one may.
  void Read(ReadCase use_case, Done done, CallOptions options = {}) {
    StartRead(std::move(use_case), std::move(done), std::move(options));
  }

 private:
  virtual void StartWrite(WriteCase use_case, Done done,
                          CallOptions options) = 0;
  virtual void StartRead(ReadCase use_case, Done done, CallOptions options) = 0;
};

// The same, waiting. Never from a `done`.
absl::Status WriteAndWait(Store& store, Store::WriteCase use_case,
                          CallOptions options = {.own = true});
absl::Status ReadAndWait(Store& store, Store::ReadCase use_case,
                         CallOptions options = {.own = true});

}  // namespace sheaf
