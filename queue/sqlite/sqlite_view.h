// The reading half of the store's interface, over one connection. SqliteView
// serves a reader's snapshot; SqliteTx (sqlite_tx.h) adds the writing half on
// the writer's connection and answers some questions from its memory.
//
// Lives on the thread of its connection, for one use case.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "queue/sqlite/connection.h"
#include "queue/store.h"

namespace sheaf {

// Interface is View or Tx.
template <class Interface>
class SqliteReads : public Interface {
 public:
  explicit SqliteReads(Connection& db) : db_(db) {}

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
  void ForEachLane(const View::LaneVisitor& each) override;
  std::optional<Run> Head(LaneId lane, Priority highest) override;
  std::vector<Lane> LanesOf(const std::string& owner) override;
  int64_t LaneBoundOf(const std::string& owner) override;
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
  JobId LastJob() override;
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

 protected:
  std::vector<Lane> ReadyLanes();

  Connection& db_;
  absl::Time now_;
};

class SqliteView final : public SqliteReads<View> {
 public:
  SqliteView(Connection& db, absl::Time now) : SqliteReads(db) { now_ = now; }
};

}  // namespace sheaf
