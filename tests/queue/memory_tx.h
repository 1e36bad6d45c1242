// The model's tables, and the meaning of View and Tx on them. Where the words
// of queue/store.h leave a question open, this code is the answer.
//
// Times are kept to the millisecond, as in the database. One thread.
#pragma once

#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "queue/store.h"
#include "tests/queue/undo_table.h"

namespace sheaf {

class MemoryTx final : public Tx {
 public:
  // Called around each closure.
  void Begin(absl::Time now) { now_ = now; }
  void Commit() { log_.Keep(); }
  void RollBack() { log_.RollBack(); }

  absl::Time now() const override { return now_; }
  std::vector<Queue> Queues() override;
  std::optional<Queue> FindQueue(const std::string& name) override;
  OwnerCounts CountsOf(const std::string& owner) override;
  std::vector<OwnerCounts> Owners() override;
  std::optional<Job> FindJob(JobId id) override;
  std::vector<Job> Jobs(const JobQuery& query) override;
  std::optional<RequestRecord> FindRequest(
      const std::string& owner, const std::string& request_id) override;
  int CountSpentRequests(absl::Time deleted_by, int limit) override;
  RunParams SharedParams(JobId id) override;
  std::optional<Run> FindRun(RunId id) override;
  std::vector<Run> Runs(const RunQuery& query) override;
  RunParams OwnParams(RunId id) override;
  std::vector<Attempt> Attempts(RunId id) override;
  std::optional<Batch> FindBatch(BatchId id) override;
  std::vector<Batch> Batches(absl::Time expired_by) override;
  std::vector<LeaseKey> Leases(absl::Time expired_by) override;
  Lane FindLane(LaneId id) override;
  void ForEachLane(const LaneVisitor& each) override;
  std::optional<Run> Head(LaneId lane, Priority highest) override;
  std::vector<Lane> LanesOf(const std::string& owner) override;
  int64_t LaneBoundOf(const std::string& owner) override {
    return static_cast<int64_t>(LanesOf(owner).size());
  }
  std::vector<Run> Ready(LaneId lane, Priority highest, int limit) override;
  std::vector<Run> ReadyWith(const Run& first, int limit) override;
  void ForEachWaiting(
      const std::string& queue,
      const std::function<void(const WaitingRun&)>& each) override;
  int64_t CountReadyBefore(LaneId lane, const ReadyPlace& place,
                           int64_t limit) override;
  std::vector<RunId> PastDeadline(absl::Time by, int limit) override;
  std::vector<JobId> Expired(absl::Time by, int limit) override;
  std::vector<Event> Events(int64_t after, int limit) override;
  int64_t LastSequence() override;
  JobId LastJob() override { return JobId{counters_.Find("job").value_or(0)}; }
  int64_t FirstSequence() override;
  std::optional<PlanRecord> FindPlan(PlanId id) override;
  std::vector<PlanRecord> Plans(const std::string& queue, PlanId before,
                                int limit) override;
  std::vector<PlanId> ExpiredPlans(absl::Time by, int limit) override;
  std::vector<PlanBatch> PlanBatches(PlanId plan, int64_t after,
                                     int limit) override;
  std::optional<PlanBatch> FindPlanBatch(PlanId plan, RunId run) override;
  PlanTimes TimesOf(PlanId plan) override;
  std::map<std::string, std::string> Learned() override;
  std::optional<Artifact> FindArtifact(const std::string& digest) override;
  bool IsReferenced(const std::string& digest) override;
  std::vector<Artifact> UnreferencedArtifacts(absl::Time created_by,
                                              int limit) override;
  StoreCounts Counts() override;

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
    return std::nullopt;
  }
  BatchId NewBatchId() override { return BatchId{NextId("batch")}; }
  int64_t NewEpoch() override { return Next("epoch"); }
  WorkerId NewWorkerId() override { return WorkerId{NextId("worker")}; }
  void SaveBatch(const Batch& batch) override;
  void RenewLeases(absl::Time start_time,
                   absl::Time lease_expire_time) override;
  void DeleteBatch(BatchId id) override;
  PlanId NewPlanId() override { return PlanId{NextId("plan")}; }
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
  // Where a waiting run stands in its lane: sorts as the line does.
  using Place = std::tuple<LaneId, int, absl::Time, RunId>;
  static Place PlaceOf(const Run& run);

  int64_t Next(const std::string& counter);
  int64_t NextId(const std::string& counter);  // within the cell
  // Stores the run and keeps the line of waiting runs in step.
  void PutRun(const Run& run);
  void PutJob(Job job);

  UndoLog log_;
  absl::Time now_;
  UndoTable<std::string, int64_t> counters_{&log_};
  UndoTable<std::string, Queue> queues_{&log_};
  UndoTable<LaneId, Lane> lanes_{&log_};
  UndoTable<JobId, Job> jobs_{&log_};
  struct Request {
    RequestRecord record;
    absl::Time delete_time = absl::InfiniteFuture();
  };
  UndoTable<std::pair<std::string, std::string>, Request> requests_{&log_};
  UndoTable<JobId, std::string> shared_{&log_};
  UndoTable<RunId, Run> runs_{&log_};
  UndoTable<Place, RunId> waiting_{&log_};
  UndoTable<RunId, std::string> own_{&log_};
  UndoTable<std::pair<RunId, int>, Attempt> attempts_{&log_};
  UndoTable<BatchId, Batch> batches_{&log_};
  UndoTable<PlanId, PlanRecord> plans_{&log_};
  UndoTable<std::pair<PlanId, int64_t>, PlanBatch> plan_batches_{&log_};
  UndoTable<std::string, std::string> learned_{&log_};
  UndoTable<int64_t, Event> events_{&log_};
  UndoTable<std::string, Artifact> artifacts_{&log_};
  UndoTable<std::pair<std::string, JobId>, bool> references_{&log_};
};

}  // namespace sheaf
