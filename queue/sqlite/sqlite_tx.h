// The writing half of the store's interface, on the writer's connection.
//
// One object serves all transactions of a connection. It keeps in memory the
// things that every closure needs and few change: the counters that give out
// numbers, the queues, the lanes. Changes of these are written back once,
// before the commit; EndClosure undoes those of a closure that fails.
//
// Order of calls: BeginGroup, then for each closure BeginClosure, the closure
// itself, EndClosure; then Flush, then COMMIT by the owner. After any
// exception the owner throws this object away with its connection.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "queue/sqlite/lane_cache.h"
#include "queue/sqlite/owner_cache.h"
#include "queue/sqlite/queue_cache.h"
#include "queue/sqlite/sqlite_view.h"

namespace sheaf {

class SqliteTx final : public SqliteReads<Tx> {
 public:
  // Reads counters, queues and the newest event.
  explicit SqliteTx(Connection& db);

  // The time of the newest event. No group may have an earlier time.
  absl::Time newest_time() const { return newest_time_; }

  // A transaction has begun.
  void BeginGroup(absl::Time now);
  // A savepoint costs a closure a third of its time, since SQLite copies
  // each page once more; only a `careful` closure gets one.
  void BeginClosure(bool careful);
  // Keeps or undoes what the closure did. False where it cannot be undone
  // alone: then the group is to begin again.
  bool EndClosure(bool keep);
  // Undoes the whole group, and begins it again.
  void BeginAgain();
  // Called before COMMIT. Answers whether there is anything to commit.
  bool Flush();
  // Called after COMMIT, once. Answers the news for observers.
  Committed TakeCommitted();

  std::vector<Queue> Queues() override;
  std::optional<Queue> FindQueue(const std::string& name) override;
  OwnerCounts CountsOf(const std::string& owner) override {
    return owners_.Find(owner);
  }
  std::vector<OwnerCounts> Owners() override { return owners_.All(); }
  Lane FindLane(LaneId id) override;
  void ForEachLane(const LaneVisitor& each) override;
  std::optional<Run> Head(LaneId lane, Priority highest) override;
  std::vector<Lane> LanesOf(const std::string& owner) override;
  bool HoldsLanes(const std::vector<Lane>& lanes) override;
  int64_t LaneBoundOf(const std::string& owner) override;
  int64_t LastSequence() override { return last_sequence_; }
  JobId LastJob() override { return JobId{counters_[kJob]}; }

  JobId InsertJob(const Job& job, const std::string& shared,
                  std::vector<Run> runs,
                  const std::vector<std::string>& own) override;
  void SaveRun(const Run& run) override;
  void AddAttempt(const Attempt& attempt) override;
  RunCounts ApplyToJob(JobId id, const RunCounts& delta,
                       const QueueSettings& keep) override;
  void SaveJob(const Job& job) override;
  void DeleteJob(JobId id) override;
  int DeleteSpentRequests(absl::Time deleted_by, int limit) override;
  void SaveQueue(const Queue& queue) override;
  void DeleteQueue(const std::string& name) override;
  LaneId LaneFor(const Lane& lane) override;
  std::optional<std::vector<LaneId>> TakeChangedLanes() override {
    return ready_.TakeChanged();
  }
  BatchId NewBatchId() override { return BatchId{NextId(kBatch)}; }
  int64_t NewEpoch() override { return Next(kEpoch); }
  WorkerId NewWorkerId() override { return WorkerId{NextId(kWorker)}; }
  void SaveBatch(const Batch& batch) override;
  void RenewLeases(absl::Time start_time,
                   absl::Time lease_expire_time) override;
  void DeleteBatch(BatchId id) override;
  PlanId NewPlanId() override { return PlanId{NextId(kPlan)}; }
  void SavePlan(const PlanRecord& plan) override;
  void AddPlanBatch(const PlanBatch& batch) override;
  void SavePlanBatchTime(PlanId plan, int64_t number,
                         absl::Duration actual) override;
  void Learn(const std::string& name, const std::string& value) override;
  bool DeletePlan(PlanId id, int limit) override;
  void AppendEvent(Event event) override;
  void TrimEvents(int64_t through) override;
  void SaveArtifact(const Artifact& artifact) override;
  void DeleteArtifact(const std::string& digest) override;
  void AddReferences(JobId job,
                     const std::vector<std::string>& digests) override;

 private:
  enum Counter {
    kJob,
    kBatch,
    kEpoch,
    kWorker,
    kLane,
    kEvent,
    kPlan,
    kCounters
  };
  using Counters = std::array<int64_t, kCounters>;

  // The state to return to if a closure is undone.
  struct Mark {
    Counters counters{};
    int64_t last_sequence = 0;
    absl::Time newest_time;
    bool all_ready = false;
    size_t ready = 0;
    size_t events = 0;
    int64_t changes = 0;
  };

  int64_t Next(Counter counter) { return ++counters_[counter]; }
  int64_t NextId(Counter counter);  // within the cell
  // Every change of a table goes through here first: it opens a careful
  // closure's savepoint if a plain rollback would undo too much.
  void BeforeChange();
  bool Undo();
  void Load();
  bool ChangedSinceMark();
  void NoteChanged(const Run& run, bool is_new);
  void NoteReady(LaneId lane, bool is_new);

  Counters counters_{};
  Counters stored_counters_{};
  int64_t last_sequence_ = 0;
  absl::Time newest_time_;
  std::vector<Event> events_;  // of this group
  // The runs of this group that began to wait.
  struct Ready {
    LaneId lane;
    int64_t runs = 0;
    int64_t added = 0;
  };
  std::vector<Ready> ready_runs_;
  bool all_ready_ = false;
  std::vector<Queue> flushed_;  // of this group
  std::vector<ReadyRuns> flushed_ready_;
  QueueCache queues_;
  OwnerCache owners_;
  std::unordered_map<std::string, LaneId> lane_ids_;
  std::unordered_map<int64_t, Lane> lanes_;
  std::vector<Lane> new_lanes_;  // of this closure
  LaneCache ready_;

  Mark mark_;
  bool careful_ = false;        // the present closure is to have a savepoint
  bool savepoint_ = false;      // the present closure's is open
  bool group_wrote_ = false;    // tables, by closures that were kept
  bool closure_wrote_ = false;  // tables, by the present closure
  bool group_changed_ = false;
};

}  // namespace sheaf
