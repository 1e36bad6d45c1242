// The interface that the domain needs of a store. Two implementations: SQLite
// (queue/sqlite/) and the in-memory model of the tests; one conformance suite
// runs against both.
//
// All writes are closures run one after another on one thread, several of them
// in one transaction: a closure that returns an error leaves no trace. To undo
// it, the closures before it in its transaction may be run again, from the
// start and to the same end. So each run of a closure must set the values that
// it leaves outside, not add to them. Reads see one snapshot. A fault of the
// disk, or a row that makes no sense (broken_row.h), ends the closure by an
// exception that only the store catches: use cases carry no code for it.
//
// Times are kept to the millisecond, and now() never lies before an event that
// is stored, but for events that lay more than an hour ahead when the store was
// opened: a clock was wrong then. The artifacts of a run's outputs are
// referenced as long as the run exists.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/time/time.h"
#include "queue/event.h"
#include "queue/filter.h"
#include "queue/params.h"
#include "queue/plan.h"
#include "queue/types.h"

namespace sheaf {

// Jobs by id, newest or oldest first, from `after` (exclusive) on, through
// `through`.
struct JobQuery {
  const FilterExpr* filter = nullptr;  // all where null
  std::optional<JobId> after;
  std::optional<JobId> through;
  bool ascending = false;
  int limit = 50;
};

// Runs by id in [first, last], those in one of `states`.
struct RunQuery {
  RunId first;
  RunId last;
  unsigned states = ~0u;  // StateBits
  int limit = 50;
};

struct LaneHead {
  Lane lane;
  Run run;
};

// A waiting run with what it asks for; valid during the call only.
struct WaitingRun {
  const Run& run;
  const Lane& lane;
  const RunParams& params;  // the job's values with its own on top
};

// The place of a waiting run: higher priority, then earlier time, then id.
struct ReadyPlace {
  Priority priority = Priority::kNormal;
  absl::Time run_time;
  RunId id;
};

// A lease without its lists: found also where those are damaged.
struct LeaseKey {
  BatchId batch;
  WorkerId worker;
  std::string queue;
  absl::Time start_time;
  bool operator==(const LeaseKey&) const = default;
};

// The job that a request_id made; it is known longer than the job is there.
struct RequestRecord {
  JobId job;
  std::string payload_digest;
};

struct StoreCounts {
  int64_t jobs = 0;
  int64_t artifacts = 0;
  int64_t artifact_bytes = 0;
};

class View {
 public:
  virtual ~View() = default;

  // The one clock reading of this transaction.
  virtual absl::Time now() const = 0;

  virtual std::vector<Queue> Queues() = 0;
  virtual std::optional<Queue> FindQueue(const std::string& name) = 0;

  // An owner's counts of runs, zero where it has none; and the counts of all
  // owners that have some, by name.
  virtual OwnerCounts CountsOf(const std::string& owner) = 0;
  virtual std::vector<OwnerCounts> Owners() = 0;

  virtual std::optional<Job> FindJob(JobId id) = 0;
  virtual JobId LastJob() = 0;  // the last id given out; 0 where none was
  virtual std::vector<Job> Jobs(const JobQuery& query) = 0;
  virtual std::optional<RequestRecord> FindRequest(
      const std::string& owner, const std::string& request_id) = 0;
  // Requests of jobs that were deleted by then, counted up to `limit`.
  virtual int CountSpentRequests(absl::Time deleted_by, int limit) = 0;
  virtual RunParams SharedParams(JobId id) = 0;

  virtual std::optional<Run> FindRun(RunId id) = 0;
  virtual std::vector<Run> Runs(const RunQuery& query) = 0;
  virtual RunParams OwnParams(RunId id) = 0;
  virtual std::vector<Attempt> Attempts(RunId id) = 0;  // ended ones, in order

  virtual std::optional<Batch> FindBatch(BatchId id) = 0;
  // All leased batches, or those whose lease ends by `expired_by`. Batches that
  // cannot be read are left out.
  virtual std::vector<Batch> Batches(absl::Time expired_by) = 0;
  // The same leases, none left out.
  virtual std::vector<LeaseKey> Leases(absl::Time expired_by) = 0;

  virtual Lane FindLane(LaneId id) = 0;
  // Calls `each` with every lane in which runs wait and the first of these, due
  // or not, in the order of their ids, until it answers false. Both are valid
  // during the call only, which must change no run.
  using LaneVisitor = std::function<bool(const Lane&, const Run&)>;
  virtual void ForEachLane(const LaneVisitor& each) = 0;
  std::vector<LaneHead> LaneHeads();  // copies of all of them
  // The first waiting run of a lane, none above `highest`.
  virtual std::optional<Run> Head(LaneId lane, Priority highest) = 0;
  // The owner's lanes in which runs wait; and an upper bound of their number,
  // which is quicker to find.
  virtual std::vector<Lane> LanesOf(const std::string& owner) = 0;
  virtual int64_t LaneBoundOf(const std::string& owner) = 0;
  // True only where runs wait in all of these lanes; false also where that
  // would have to be looked up.
  virtual bool HoldsLanes(const std::vector<Lane>&) { return false; }
  // The first waiting runs of a lane, none above `highest`: by priority, then
  // (run_time, id), due or not.
  virtual std::vector<Run> Ready(LaneId lane, Priority highest, int limit) = 0;
  // The waiting runs of `first`'s job that share its lane, priority and time,
  // from it on, by id.
  virtual std::vector<Run> ReadyWith(const Run& first, int limit) = 0;
  // Calls `each` for every waiting run of a queue, a job's runs one after
  // another.
  virtual void ForEachWaiting(
      const std::string& queue,
      const std::function<void(const WaitingRun&)>& each) = 0;
  // Waiting runs of a lane that go before `place`, counted up to `limit`.
  virtual int64_t CountReadyBefore(LaneId lane, const ReadyPlace& place,
                                   int64_t limit) = 0;
  // Waiting runs whose start_deadline has passed; ended jobs whose retention
  // is over.
  virtual std::vector<RunId> PastDeadline(absl::Time by, int limit) = 0;
  virtual std::vector<JobId> Expired(absl::Time by, int limit) = 0;

  virtual std::vector<Event> Events(int64_t after, int limit) = 0;
  // Fewer where they take more than kEventPageBytes.
  std::vector<Event> EventPage(int64_t after, int limit);
  virtual int64_t LastSequence() = 0;
  virtual int64_t FirstSequence() = 0;  // of the oldest kept; 1 if none yet

  virtual std::optional<PlanRecord> FindPlan(PlanId id) = 0;
  // A queue's plans, newest first, older than `before` where that is one.
  virtual std::vector<PlanRecord> Plans(const std::string& queue, PlanId before,
                                        int limit) = 0;
  // Plans that no queue goes by and whose expire_time has come.
  virtual std::vector<PlanId> ExpiredPlans(absl::Time by, int limit) = 0;
  virtual std::vector<PlanBatch> PlanBatches(PlanId plan, int64_t after,
                                             int limit) = 0;
  // The batch that the run is in.
  virtual std::optional<PlanBatch> FindPlanBatch(PlanId plan, RunId run) = 0;
  virtual PlanTimes TimesOf(PlanId plan) = 0;

  // The figures learned from finished batches, by name. The queue does not look
  // at the values.
  virtual std::map<std::string, std::string> Learned() = 0;

  virtual std::optional<Artifact> FindArtifact(const std::string& digest) = 0;
  virtual bool IsReferenced(const std::string& digest) = 0;
  virtual std::vector<Artifact> UnreferencedArtifacts(absl::Time created_by,
                                                      int limit) = 0;
  virtual StoreCounts Counts() = 0;
};

class Tx : public View {
 public:
  // Stores a job with its runs; gives it its id. `runs[i]` carries state,
  // lane, times; its own params are `own[i]`, as Encode writes them.
  virtual JobId InsertJob(const Job& job, const std::string& shared,
                          std::vector<Run> runs,
                          const std::vector<std::string>& own) = 0;
  virtual void SaveRun(const Run& run) = 0;
  // Also forgets attempts of the run that lie kAttemptsKeptMax before it.
  virtual void AddAttempt(const Attempt& attempt) = 0;
  // Adds to the job's counts, bumps its version, and keeps start_time,
  // end_time and expire_time in step. Answers the counts after.
  virtual RunCounts ApplyToJob(JobId id, const RunCounts& delta,
                               const QueueSettings& keep) = 0;
  virtual void SaveJob(const Job& job) = 0;  // all but counts
  // Deletes the job with all that belongs to it. Keeps the request that made
  // it, as that of a job that was deleted now.
  virtual void DeleteJob(JobId id) = 0;
  // Forgets requests of jobs that were deleted by then, `limit` at the most;
  // answers how many.
  virtual int DeleteSpentRequests(absl::Time deleted_by, int limit) = 0;

  virtual void SaveQueue(const Queue& queue) = 0;
  virtual void DeleteQueue(const std::string& name) = 0;
  virtual LaneId LaneFor(const Lane& lane) = 0;  // makes it if it is new
  // The lanes whose first waiting runs may have changed since the last call,
  // each once; nothing where that is not known, so that all of them may have
  // changed. There is one reader of these news (queue/leasing/head_index.h).
  virtual std::optional<std::vector<LaneId>> TakeChangedLanes() = 0;

  virtual BatchId NewBatchId() = 0;
  virtual int64_t NewEpoch() = 0;
  virtual WorkerId NewWorkerId() = 0;
  virtual void SaveBatch(const Batch& batch) = 0;
  // Gives all leases these times.
  virtual void RenewLeases(absl::Time start_time,
                           absl::Time lease_expire_time) = 0;
  virtual void DeleteBatch(BatchId id) = 0;

  virtual PlanId NewPlanId() = 0;
  virtual void SavePlan(const PlanRecord& plan) = 0;
  virtual void AddPlanBatch(const PlanBatch& batch) = 0;
  virtual void SavePlanBatchTime(PlanId plan, int64_t number,
                                 absl::Duration actual) = 0;
  // Deletes up to `limit` of its batches and runs, and where none is left the
  // plan itself: then true.
  virtual bool DeletePlan(PlanId id, int limit) = 0;

  // An empty value forgets the name.
  virtual void Learn(const std::string& name, const std::string& value) = 0;

  virtual void AppendEvent(Event event) = 0;     // gives sequence and time
  virtual void TrimEvents(int64_t through) = 0;  // never the newest

  virtual void SaveArtifact(const Artifact& artifact) = 0;
  virtual void DeleteArtifact(const std::string& digest) = 0;
  // The job needs these; they stay as long as it does.
  virtual void AddReferences(JobId job,
                             const std::vector<std::string>& digests) = 0;
};

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
