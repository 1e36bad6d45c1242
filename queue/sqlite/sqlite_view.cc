#include "queue/sqlite/sqlite_view.h"

#include <algorithm>
#include <limits>

#include "queue/sqlite/filter_sql.h"
#include "queue/sqlite/row.h"
#include "queue/sqlite/statements.h"

namespace sheaf {
namespace {

// All rows of `query`, or its first, each by `read`.
template <class Read>
auto All(Query query, Read read) {
  std::vector<decltype(read(query))> rows;
  while (query.Step()) rows.push_back(read(query));
  return rows;
}

template <class Read>
auto First(Query query, Read read) -> std::optional<decltype(read(query))> {
  if (!query.Step()) return std::nullopt;
  return read(query);
}

int64_t FirstNumber(Query query, int64_t none) {
  return query.Step() ? query.Integer() : none;
}

template <class T>
T IdOf(Query& row) {
  return T{row.Integer()};
}

// Instants before all and after all, where a bound must be a number.
int64_t Bound(absl::Time time) {
  if (time == absl::InfiniteFuture())
    return std::numeric_limits<int64_t>::max();
  if (time == absl::InfinitePast()) return std::numeric_limits<int64_t>::min();
  return absl::ToUnixMillis(time);
}

RunParams ParamsOf(Query query) {
  return query.Step() ? ReadParams(query) : RunParams{};
}

}  // namespace

template <class I>
std::vector<Queue> SqliteReads<I>::Queues() {
  return All(db_.Ask(sql::kQueues), ReadQueue);
}

template <class I>
std::optional<Queue> SqliteReads<I>::FindQueue(const std::string& name) {
  return First(db_.Ask(sql::kFindQueue, name), ReadQueue);
}

template <class I>
OwnerCounts SqliteReads<I>::CountsOf(const std::string& owner) {
  return First(db_.Ask(sql::kFindOwner, owner), ReadOwner)
      .value_or(OwnerCounts{.owner = owner});
}

template <class I>
std::vector<OwnerCounts> SqliteReads<I>::Owners() {
  return All(db_.Ask(sql::kOwners), ReadOwner);
}

template <class I>
std::optional<Job> SqliteReads<I>::FindJob(JobId id) {
  return First(db_.Ask(sql::kFindJob, id.value), ReadJob);
}

template <class I>
std::vector<Job> SqliteReads<I>::Jobs(const JobQuery& query) {
  static const FilterExpr all;
  const FilterSql filter = ToSql(query.filter ? *query.filter : all);
  int64_t first = std::numeric_limits<int64_t>::min();
  int64_t last = std::numeric_limits<int64_t>::max();
  if (!query.ascending) std::swap(first, last);
  Query rows = db_.AskOnce(
      sql::kJobsPrefix + filter.condition +
      (query.ascending ? sql::kJobsAscending : sql::kJobsDescending));
  for (const auto& value : filter.values) {
    std::visit([&](const auto& v) { rows.Bind(v); }, value);
  }
  rows.Bind(query.after ? query.after->value : first);
  rows.Bind(query.through ? query.through->value : last);
  rows.Bind(query.limit);
  return All(std::move(rows), ReadJob);
}

template <class I>
std::optional<RequestRecord> SqliteReads<I>::FindRequest(
    const std::string& owner, const std::string& request_id) {
  if (request_id.empty()) return std::nullopt;
  return First(db_.Ask(sql::kFindRequest, owner, request_id), [](Query& row) {
    const JobId id = IdOf<JobId>(row);
    return RequestRecord{id, std::string(row.Text())};
  });
}

template <class I>
int SqliteReads<I>::CountSpentRequests(absl::Time deleted_by, int limit) {
  return static_cast<int>(FirstNumber(
      db_.Ask(sql::kCountSpentRequests, Bound(deleted_by), limit), 0));
}

template <class I>
RunParams SqliteReads<I>::SharedParams(JobId id) {
  return ParamsOf(db_.Ask(sql::kSharedParams, id.value));
}

template <class I>
std::optional<Run> SqliteReads<I>::FindRun(RunId id) {
  return First(db_.Ask(sql::kFindRun, id.value), ReadRun);
}

template <class I>
std::vector<Run> SqliteReads<I>::Runs(const RunQuery& query) {
  return All(db_.Ask(sql::kRuns, query.first.value, query.last.value,
                     query.states, query.limit),
             ReadRun);
}

template <class I>
RunParams SqliteReads<I>::OwnParams(RunId id) {
  return ParamsOf(db_.Ask(sql::kOwnParams, id.value));
}

template <class I>
std::vector<Attempt> SqliteReads<I>::Attempts(RunId id) {
  return All(db_.Ask(sql::kAttempts, id.value), ReadAttempt);
}

template <class I>
std::optional<Batch> SqliteReads<I>::FindBatch(BatchId id) {
  return First(db_.Ask(sql::kFindBatch, id.value), ReadBatch);
}

template <class I>
std::vector<Batch> SqliteReads<I>::Batches(absl::Time expired_by) {
  std::vector<Batch> batches;
  Query rows = db_.Ask(sql::kBatches, Bound(expired_by));
  while (rows.Step()) {
    try {
      batches.push_back(ReadBatch(rows));
    } catch (const BrokenRow&) {
      // A batch that nobody can read must not hide the others.
    }
  }
  return batches;
}

template <class I>
std::vector<LeaseKey> SqliteReads<I>::Leases(absl::Time expired_by) {
  return All(db_.Ask(sql::kLeases, Bound(expired_by)), [](Query& row) {
    LeaseKey lease;
    lease.batch = BatchId{row.Integer()};
    lease.worker = WorkerId{row.Integer()};
    lease.queue = row.Text();
    lease.start_time = absl::FromUnixMillis(row.Integer());
    return lease;
  });
}

template <class I>
Lane SqliteReads<I>::FindLane(LaneId id) {
  const auto lane = First(db_.Ask(sql::kFindLane, id.value), ReadLane);
  if (!lane) throw BrokenRow("no lane " + std::to_string(id.value));
  return *lane;
}

template <class I>
std::vector<Lane> SqliteReads<I>::ReadyLanes() {
  return All(db_.Ask(sql::kReadyLanes), ReadLane);
}

template <class I>
void SqliteReads<I>::ForEachLane(const View::LaneVisitor& each) {
  for (Query rows = db_.Ask(sql::kReadyLanes); rows.Step();) {
    const Lane lane = ReadLane(rows);
    const std::optional<Run> first = Head(lane.id, Priority::kUrgent);
    if (first && !each(lane, *first)) return;
  }
}

template <class I>
std::optional<Run> SqliteReads<I>::Head(LaneId lane, Priority highest) {
  return First(db_.Ask(sql::kReady, lane.value, highest, 1), ReadRun);
}

template <class I>
std::vector<Lane> SqliteReads<I>::LanesOf(const std::string& owner) {
  return All(db_.Ask(sql::kLanesOf, owner), ReadLane);
}

template <class I>
int64_t SqliteReads<I>::LaneBoundOf(const std::string& owner) {
  return static_cast<int64_t>(LanesOf(owner).size());
}

template <class I>
std::vector<Run> SqliteReads<I>::Ready(LaneId lane, Priority highest,
                                       int limit) {
  return All(db_.Ask(sql::kReady, lane.value, highest, limit), ReadRun);
}

template <class I>
std::vector<Run> SqliteReads<I>::ReadyWith(const Run& first, int limit) {
  const RunId after(JobId{first.id.job().value + 1}, 0);
  return All(db_.Ask(sql::kReadyWith, first.lane.value, first.priority,
                     absl::ToUnixMillis(first.run_time), first.id.value,
                     after.value - 1, limit),
             ReadRun);
}

template <class I>
void SqliteReads<I>::ForEachWaiting(
    const std::string& queue,
    const std::function<void(const WaitingRun&)>& each) {
  JobId job;
  RunParams shared;
  for (const Lane& lane : ReadyLanes()) {
    if (lane.queue != queue) continue;
    Query rows = db_.Ask(sql::kWaiting, lane.id.value);
    while (rows.Step()) {
      const Run run = ReadRun(rows);
      if (run.id.job() != job) {
        job = run.id.job();
        shared = SharedParams(job);
      }
      const auto own = rows.TextOrNull();
      if (!own) {
        each({run, lane, shared});
      } else {
        each({run, lane, Merge(shared, ParamsFrom(*own))});
      }
    }
  }
}

template <class I>
int64_t SqliteReads<I>::CountReadyBefore(LaneId lane, const ReadyPlace& place,
                                         int64_t limit) {
  const int64_t count =
      FirstNumber(db_.Ask(sql::kCountReadyBefore, lane.value, place.priority,
                          Bound(place.run_time), place.id.value, limit),
                  0);
  return std::min(count, limit);
}

template <class I>
std::vector<RunId> SqliteReads<I>::PastDeadline(absl::Time by, int limit) {
  return All(db_.Ask(sql::kPastDeadline, Bound(by), limit), IdOf<RunId>);
}

template <class I>
std::vector<JobId> SqliteReads<I>::Expired(absl::Time by, int limit) {
  return All(db_.Ask(sql::kExpired, Bound(by), limit), IdOf<JobId>);
}

template <class I>
std::vector<Event> SqliteReads<I>::Events(int64_t after, int limit) {
  return All(db_.Ask(sql::kEvents, after, limit), ReadEvent);
}

template <class I>
int64_t SqliteReads<I>::LastSequence() {
  return FirstNumber(db_.Ask(sql::kLastEvent), 0);
}

template <class I>
JobId SqliteReads<I>::LastJob() {
  return JobId{FirstNumber(db_.Ask(sql::kLastJob), 0)};
}

template <class I>
int64_t SqliteReads<I>::FirstSequence() {
  return FirstNumber(db_.Ask(sql::kFirstEvent), 1);
}

template <class I>
std::optional<PlanRecord> SqliteReads<I>::FindPlan(PlanId id) {
  return First(db_.Ask(sql::kFindPlan, id.value), ReadPlan);
}

template <class I>
std::vector<PlanRecord> SqliteReads<I>::Plans(const std::string& queue,
                                              PlanId before, int limit) {
  const int64_t bound =
      before ? before.value : std::numeric_limits<int64_t>::max();
  return All(db_.Ask(sql::kPlans, queue, bound, limit), ReadPlan);
}

template <class I>
std::vector<PlanId> SqliteReads<I>::ExpiredPlans(absl::Time by, int limit) {
  return All(db_.Ask(sql::kExpiredPlans, Bound(by), limit), IdOf<PlanId>);
}

template <class I>
std::vector<PlanBatch> SqliteReads<I>::PlanBatches(PlanId plan, int64_t after,
                                                   int limit) {
  return All(db_.Ask(sql::kPlanBatches, plan.value, after, limit),
             ReadPlanBatch);
}

template <class I>
std::optional<PlanBatch> SqliteReads<I>::FindPlanBatch(PlanId plan, RunId run) {
  return First(db_.Ask(sql::kFindPlanBatch, plan.value, run.value),
               ReadPlanBatch);
}

template <class I>
PlanTimes SqliteReads<I>::TimesOf(PlanId plan) {
  Query row = db_.Ask(sql::kPlanTimes, plan.value);
  PlanTimes times;
  if (!row.Step()) return times;
  times.batches = row.Integer();
  times.predicted = absl::Milliseconds(row.Integer());
  times.actual = absl::Milliseconds(row.Integer());
  return times;
}

template <class I>
std::map<std::string, std::string> SqliteReads<I>::Learned() {
  std::map<std::string, std::string> learned;
  for (Query row = db_.Ask(sql::kLearned); row.Step();) {
    const std::string name(row.Text());
    learned[name] = row.Text();
  }
  return learned;
}

template <class I>
std::optional<Artifact> SqliteReads<I>::FindArtifact(
    const std::string& digest) {
  return First(db_.Ask(sql::kFindArtifact, digest), ReadArtifact);
}

template <class I>
bool SqliteReads<I>::IsReferenced(const std::string& digest) {
  return db_.Ask(sql::kIsReferenced, digest).Step();
}

template <class I>
std::vector<Artifact> SqliteReads<I>::UnreferencedArtifacts(
    absl::Time created_by, int limit) {
  return All(db_.Ask(sql::kUnreferencedArtifacts, Bound(created_by), limit),
             ReadArtifact);
}

template <class I>
StoreCounts SqliteReads<I>::Counts() {
  StoreCounts counts;
  counts.jobs = FirstNumber(db_.Ask(sql::kCountJobs), 0);
  Query artifacts = db_.Ask(sql::kCountArtifacts);
  if (artifacts.Step()) {
    counts.artifacts = artifacts.Integer();
    counts.artifact_bytes = artifacts.Integer();
  }
  return counts;
}

template class SqliteReads<View>;
template class SqliteReads<Tx>;

}  // namespace sheaf
