#include "queue/sqlite/sqlite_tx.h"

#include <algorithm>
#include <limits>
#include <string_view>

#include "queue/job_progress.h"
#include "queue/sqlite/row.h"
#include "queue/sqlite/statements.h"

namespace sheaf {
namespace {

constexpr std::string_view kCounterNames[] = {
    "job", "batch", "epoch", "worker", "lane", "event", "plan"};

// Lanes are small and few, unless clients make up a size for every picture.
constexpr size_t kLanesKeptMax = 65'536;

// Each text follows its length, so that no two lanes have one key.
std::string LaneKey(const Lane& lane) {
  std::string key;
  for (const std::string* part :
       {&lane.queue, &lane.owner, &lane.kind, &lane.model, &lane.vae}) {
    key += std::to_string(part->size());
    key += ':';
    key += *part;
  }
  key += std::to_string(lane.width);
  key += 'x';
  key += std::to_string(lane.height);
  return key;
}

}  // namespace

SqliteTx::SqliteTx(Connection& db)
    : SqliteReads(db), ready_([this](LaneId lane, Priority highest) {
        return SqliteReads::Head(lane, highest);
      }) {
  Load();
}

int64_t SqliteTx::NextId(Counter counter) {
  return counters_[counter] =
             NextInCell(counters_[counter], kCounterNames[counter]);
}

void SqliteTx::Load() {
  Query rows = db_.Ask(sql::kCounters);
  while (rows.Step()) {
    const std::string_view name = rows.Text();
    const auto known =
        std::find(std::begin(kCounterNames), std::end(kCounterNames), name);
    if (known == std::end(kCounterNames)) continue;
    counters_[known - std::begin(kCounterNames)] = rows.Integer();
  }
  stored_counters_ = counters_;
  last_sequence_ = 0;
  Query newest = db_.Ask(sql::kLastEvent);
  if (newest.Step()) {
    last_sequence_ = newest.Integer();
    newest_time_ = absl::FromUnixMillis(newest.Integer());
  }
  queues_.Load(db_);
  owners_.Load(db_);
  lanes_.clear();
  lane_ids_.clear();
  ready_.Clear();
  for (const Lane& lane : ReadyLanes()) ready_.Add(lane);
}

void SqliteTx::BeginGroup(absl::Time now) {
  now_ = now;
  group_wrote_ = group_changed_ = all_ready_ = false;
  ready_runs_.clear();
  events_.clear();
  flushed_.clear();
  flushed_ready_.clear();
  if (lanes_.size() > kLanesKeptMax || lane_ids_.size() > kLanesKeptMax) {
    lanes_.clear();
    lane_ids_.clear();
  }
}

void SqliteTx::BeginAgain() {
  db_.Run(sql::kRollback);
  db_.Run(sql::kBegin);
  Load();
  BeginGroup(now_);
}

void SqliteTx::BeginClosure(bool careful) {
  careful_ = careful;
  mark_ = {.counters = counters_,
           .last_sequence = last_sequence_,
           .newest_time = newest_time_,
           .all_ready = all_ready_,
           .ready = ready_runs_.size(),
           .events = events_.size(),
           .changes = db_.TotalChanges()};
  queues_.Mark();
  owners_.Mark();
  new_lanes_.clear();
  ready_.Mark();
  closure_wrote_ = savepoint_ = false;
}

// A closure that only reads needs no savepoint, and neither does the first
// one that writes: there the whole transaction can be rolled back.
void SqliteTx::BeforeChange() {
  if (closure_wrote_) return;
  closure_wrote_ = true;
  if (!group_wrote_ || !careful_) return;
  db_.Run(sql::kSavepoint);
  savepoint_ = true;
}

bool SqliteTx::ChangedSinceMark() {
  return db_.TotalChanges() != mark_.changes || queues_.changed_since_mark() ||
         counters_ != mark_.counters;
}

bool SqliteTx::EndClosure(bool keep) {
  if (!keep) return Undo();
  if (savepoint_) db_.Run(sql::kRelease);
  ready_.Keep();
  group_changed_ = group_changed_ || ChangedSinceMark();
  group_wrote_ = group_wrote_ || closure_wrote_;
  return true;
}

bool SqliteTx::Undo() {
  if (savepoint_) {
    db_.Run(sql::kRollbackTo);
    db_.Run(sql::kRelease);
  } else if (closure_wrote_ && group_wrote_) {
    return false;
  } else if (closure_wrote_) {
    db_.Run(sql::kRollback);
    db_.Run(sql::kBegin);
  }
  counters_ = mark_.counters;
  last_sequence_ = mark_.last_sequence;
  newest_time_ = mark_.newest_time;
  all_ready_ = mark_.all_ready;
  ready_runs_.resize(mark_.ready);
  events_.resize(mark_.events);
  queues_.UndoToMark();
  owners_.UndoToMark();
  ready_.Undo(new_lanes_);
  for (const Lane& lane : new_lanes_) {
    lane_ids_.erase(LaneKey(lane));
    lanes_.erase(lane.id.value);
  }
  return true;
}

bool SqliteTx::Flush() {
  if (!group_changed_) return false;
  std::map<LaneId, ReadyRuns> lanes;
  for (const Ready& ready : ready_runs_) {
    ReadyRuns& runs = lanes[ready.lane];
    runs.runs += ready.runs;
    runs.added += ready.added;
  }
  flushed_ready_.clear();
  for (auto& [lane, runs] : lanes) {
    runs.lane = FindLane(lane);
    flushed_ready_.push_back(std::move(runs));
  }
  flushed_ = queues_.Flush(db_);
  owners_.Flush(db_);
  for (int i = 0; i < kCounters; ++i) {
    if (counters_[i] == stored_counters_[i]) continue;
    db_.Run(sql::kSetCounter, kCounterNames[i], counters_[i]);
  }
  stored_counters_ = counters_;
  return true;
}

Committed SqliteTx::TakeCommitted() {
  Committed committed;
  committed.last_sequence = last_sequence_;
  committed.all_ready = all_ready_;
  committed.ready = std::move(flushed_ready_);
  committed.events = std::move(events_);
  committed.changed = std::move(flushed_);
  return committed;
}

std::vector<Queue> SqliteTx::Queues() {
  std::vector<Queue> queues;
  for (const auto& [name, queue] : queues_.all()) queues.push_back(queue);
  return queues;
}

std::optional<Queue> SqliteTx::FindQueue(const std::string& name) {
  const Queue* queue = queues_.Find(name);
  if (queue == nullptr) return std::nullopt;
  return *queue;
}

void SqliteTx::SaveQueue(const Queue& queue) { queues_.Save(queue); }

void SqliteTx::DeleteQueue(const std::string& name) { queues_.Remove(name); }

Lane SqliteTx::FindLane(LaneId id) {
  const auto known = lanes_.find(id.value);
  if (known != lanes_.end()) return known->second;
  return lanes_[id.value] = SqliteReads::FindLane(id);
}

void SqliteTx::ForEachLane(const LaneVisitor& each) { ready_.ForEach(each); }

std::optional<Run> SqliteTx::Head(LaneId lane, Priority highest) {
  return ready_.Head(lane, highest);
}

std::vector<Lane> SqliteTx::LanesOf(const std::string& owner) {
  return ready_.Of(owner);
}

bool SqliteTx::HoldsLanes(const std::vector<Lane>& lanes) {
  return std::all_of(lanes.begin(), lanes.end(), [&](const Lane& lane) {
    const auto known = lane_ids_.find(LaneKey(lane));
    return known != lane_ids_.end() && ready_.Has(known->second);
  });
}

int64_t SqliteTx::LaneBoundOf(const std::string& owner) {
  return ready_.BoundOf(owner);
}

void SqliteTx::NoteChanged(const Run& run, bool is_new) {
  if (run.state == RunState::kQueued) {
    if (!ready_.Has(run.lane)) ready_.Add(FindLane(run.lane));
    NoteReady(run.lane, is_new);
  }
  ready_.Touch(run.lane);
}

void SqliteTx::NoteReady(LaneId lane, bool is_new) {
  // An earlier closure's note stays as it is: this closure may be undone.
  if (ready_runs_.size() == mark_.ready || ready_runs_.back().lane != lane) {
    ready_runs_.push_back({lane});
  }
  Ready& ready = ready_runs_.back();
  ++ready.runs;
  if (is_new) ++ready.added;
}

LaneId SqliteTx::LaneFor(const Lane& lane) {
  std::string key = LaneKey(lane);
  const auto known = lane_ids_.find(key);
  if (known != lane_ids_.end()) return known->second;
  LaneId id;
  if (Query row = db_.Ask(sql::kLaneLike, lane.queue, lane.owner, lane.kind,
                          lane.model, lane.vae, lane.width, lane.height);
      row.Step()) {
    id = LaneId{row.Integer()};
  } else {
    BeforeChange();
    Lane made = lane;
    made.id = id = LaneId{Next(kLane)};
    WriteLane(db_, made);
    lanes_[id.value] = made;
    new_lanes_.push_back(std::move(made));
  }
  lane_ids_.emplace(std::move(key), id);
  return id;
}

JobId SqliteTx::InsertJob(const Job& job, const std::string& shared,
                          std::vector<Run> runs,
                          const std::vector<std::string>& own) {
  BeforeChange();
  const JobId id{NextId(kJob)};
  WriteNewJob(db_, id, job);
  db_.Run(sql::kAddSharedParams, id.value, shared);
  for (size_t i = 0; i < runs.size(); ++i) {
    runs[i].id = RunId(id, static_cast<int>(i));
    WriteRun(db_, sql::kAddRun, runs[i]);
    NoteChanged(runs[i], true);
    if (i >= own.size() || own[i] == "{}") continue;
    db_.Run(sql::kAddOwnParams, runs[i].id.value, own[i]);
  }
  owners_.Add(job.owner, job.counts.queued, job.counts.running);
  return id;
}

void SqliteTx::SaveRun(const Run& run) {
  BeforeChange();
  WriteRun(db_, sql::kSaveRun, run);
  NoteChanged(run, false);
  for (const Output& output : run.outputs) {
    db_.Run(sql::kAddReference, output.artifact, run.id.job().value);
  }
}

void SqliteTx::AddAttempt(const Attempt& attempt) {
  BeforeChange();
  WriteAttempt(db_, attempt);
  if (const int last = LastForgotten(attempt.attempt); last > 0) {
    db_.Run(sql::kForgetAttempts, attempt.run.value, last);
  }
}

RunCounts SqliteTx::ApplyToJob(JobId id, const RunCounts& delta,
                               const QueueSettings& keep) {
  BeforeChange();
  JobProgress progress;
  std::string owner;
  {
    Query row = db_.Ask(sql::kJobProgress, id.value);
    if (!row.Step()) throw BrokenRow("no job " + std::to_string(id.value));
    progress = Advance(ReadProgress(row), delta, keep, now_);
    owner = row.Text();
  }
  WriteProgress(db_, id, progress);
  owners_.Add(owner, delta.queued, delta.running);
  return progress.counts;
}

void SqliteTx::SaveJob(const Job& job) {
  BeforeChange();
  WriteJob(db_, job);
}

void SqliteTx::DeleteJob(JobId id) {
  BeforeChange();
  const int64_t first = RunId(id, 0).value;
  const int64_t last = RunId(JobId{id.value + 1}, 0).value - 1;
  {
    Query lanes = db_.Ask(sql::kWaitingLanesOfRuns, first, last,
                          static_cast<int>(RunState::kQueued));
    while (lanes.Step()) ready_.Touch(LaneId{lanes.Integer()});
  }
  db_.Run(sql::kDeleteAttempts, first, last);
  db_.Run(sql::kDeleteOwnParams, first, last);
  db_.Run(sql::kDeleteRuns, first, last);
  db_.Run(sql::kDeleteReferences, id.value);
  db_.Run(sql::kDeleteSharedParams, id.value);
  db_.Run(sql::kSpendRequest, id.value, absl::ToUnixMillis(now_));
  db_.Run(sql::kDeleteJob, id.value);
}

int SqliteTx::DeleteSpentRequests(absl::Time deleted_by, int limit) {
  BeforeChange();
  const int64_t before = db_.TotalChanges();
  db_.Run(sql::kDeleteSpentRequests, absl::ToUnixMillis(deleted_by), limit);
  return static_cast<int>(db_.TotalChanges() - before);
}

void SqliteTx::SaveBatch(const Batch& batch) {
  BeforeChange();
  WriteBatch(db_, batch);
}

void SqliteTx::RenewLeases(absl::Time start_time,
                           absl::Time lease_expire_time) {
  BeforeChange();
  db_.Run(sql::kRenewLeases, ToColumn(lease_expire_time), ToColumn(start_time));
}

void SqliteTx::DeleteBatch(BatchId id) {
  BeforeChange();
  db_.Run(sql::kDeleteBatch, id.value);
}

void SqliteTx::SavePlan(const PlanRecord& plan) {
  BeforeChange();
  WritePlan(db_, plan);
}

void SqliteTx::AddPlanBatch(const PlanBatch& batch) {
  BeforeChange();
  WritePlanBatch(db_, batch);
}

void SqliteTx::SavePlanBatchTime(PlanId plan, int64_t number,
                                 absl::Duration actual) {
  BeforeChange();
  db_.Run(sql::kSavePlanBatchTime, plan.value, number,
          absl::ToInt64Milliseconds(actual));
}

void SqliteTx::Learn(const std::string& name, const std::string& value) {
  BeforeChange();
  if (value.empty()) return db_.Run(sql::kForget, name);
  db_.Run(sql::kLearn, name, value);
}

bool SqliteTx::DeletePlan(PlanId id, int limit) {
  BeforeChange();
  if (Query last = db_.Ask(sql::kLastPlanRuns, id.value, limit); last.Step()) {
    const int64_t through = last.Integer();
    db_.Run(sql::kDeletePlanRuns, id.value, through);
    return false;
  }
  db_.Run(sql::kDeletePlanRuns, id.value, std::numeric_limits<int64_t>::max());
  db_.Run(sql::kDeletePlanBatches, id.value, limit);
  if (!PlanBatches(id, 0, 1).empty()) return false;
  db_.Run(sql::kDeletePlan, id.value);
  return true;
}

void SqliteTx::AppendEvent(Event event) {
  BeforeChange();
  event.sequence = last_sequence_ = Next(kEvent);
  event.time = newest_time_ = now_;
  WriteEvent(db_, event);
  all_ready_ = all_ready_ || OpensQueue(event);
  events_.push_back(std::move(event));
}

void SqliteTx::TrimEvents(int64_t through) {
  BeforeChange();
  db_.Run(sql::kTrimEvents, LastTrimmed(through, last_sequence_));
}

void SqliteTx::SaveArtifact(const Artifact& artifact) {
  BeforeChange();
  WriteArtifact(db_, artifact);
}

void SqliteTx::DeleteArtifact(const std::string& digest) {
  BeforeChange();
  db_.Run(sql::kDeleteArtifact, digest);
}

void SqliteTx::AddReferences(JobId job,
                             const std::vector<std::string>& digests) {
  BeforeChange();
  for (const std::string& digest : digests) {
    db_.Run(sql::kAddReference, digest, job.value);
  }
}

}  // namespace sheaf
