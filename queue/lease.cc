#include "queue/lease.h"

#include <algorithm>
#include <set>

#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "queue/plans.h"
#include "queue/queues.h"
#include "queue/run_changes.h"

namespace sheaf {
namespace {

bool Serves(const std::vector<std::string>& list, const std::string& what) {
  return list.empty() ||
         std::find(list.begin(), list.end(), what) != list.end() ||
         std::find(list.begin(), list.end(), "*") != list.end();
}

bool CanServe(const Lessee& who, const Lane& lane) {
  return Serves(who.queues, lane.queue) && Serves(who.kinds, lane.kind) &&
         (lane.model.empty() || Serves(who.models, lane.model));
}

bool Batchable(const std::string& kind) {
  return kind == "inference" || kind == "batch_inference";
}

// The best waiting run so far, and the lane it stands in.
struct Head {
  Lane lane;
  Queue queue;
  Run run;
};

bool GoesBefore(const Run& a, const Run& b) {
  if (a.priority != b.priority) return a.priority > b.priority;
  if (a.run_time != b.run_time) return a.run_time < b.run_time;
  return a.id < b.id;
}

// Whether the queue hands out work now; a pause that is over ends here.
bool IsOpen(Tx& tx, Queue* queue, absl::Time* next_time) {
  if (queue->state != QueueState::kPaused) return true;
  if (queue->resume_time > tx.now()) {
    *next_time = std::min(*next_time, queue->resume_time);
    return false;
  }
  *queue = ResumeByTime(tx, *queue);
  return true;
}

// The first run of a lane that is due, where `first` is the first of all: one
// of a lower priority goes while those above it are not due.
std::optional<Run> FirstDue(Tx& tx, Run first, absl::Time* next_time) {
  while (first.run_time > tx.now()) {
    *next_time = std::min(*next_time, first.run_time);
    if (first.priority == Priority::kLow) return std::nullopt;
    const auto below =
        static_cast<Priority>(static_cast<int>(first.priority) - 1);
    std::vector<Run> next = tx.Ready(first.lane, below, 1);
    if (next.empty()) return std::nullopt;
    first = std::move(next[0]);
  }
  return first;
}

// `held`: queues that wait for more to come.
std::optional<Head> FindHead(Tx& tx, const Lessee& who,
                             const std::set<std::string>& held,
                             absl::Time* next_time) {
  std::optional<Head> best;
  for (auto& [lane, run] : tx.LaneHeads()) {
    if (!CanServe(who, lane) || held.contains(lane.queue)) continue;
    std::optional<Queue> queue = tx.FindQueue(lane.queue);
    if (!queue || !IsOpen(tx, &*queue, next_time)) continue;
    std::optional<Run> due = FirstDue(tx, std::move(run), next_time);
    if (due && (!best || GoesBefore(*due, best->run))) {
      best = Head{std::move(lane), *std::move(queue), *std::move(due)};
    }
  }
  return best;
}

// Runs to hand out together, and the batch of a plan that they are.
struct Members {
  std::vector<Run> runs;
  PlanId plan;
  int64_t plan_batch = 0;
};

// The batch that the queue's plan puts the head in, as far as it still waits
// and this worker can do it; empty where there is none.
Members PlannedBatch(Tx& tx, const Lessee& who, const Head& head) {
  Members members;
  if (!head.queue.plan || head.run.alone) return members;
  int room = who.batch_size_max > 0 ? who.batch_size_max : kRunsPerJobMax;
  --room;  // for the head
  PlannedRuns planned = PlannedWith(tx, head.queue.plan, head.run);
  for (Run& run : planned.members) {
    if (run.id != head.run.id && room-- <= 0) continue;
    if (run.lane != head.run.lane && !CanServe(who, tx.FindLane(run.lane))) {
      continue;
    }
    members.runs.push_back(std::move(run));
  }
  if (planned.batch && members.runs.size() == planned.batch->runs.size()) {
    members.plan = planned.batch->plan;
    members.plan_batch = planned.batch->number;
  }
  return members;
}

// Lanes that are looked at for company, and runs of each.
constexpr size_t kLinesMax = 4;
constexpr int kLineLength = 64;

// The first runs of a lane that may go together, `first` being due.
std::vector<LeasedRun> DueTogether(Tx& tx, const Run& first) {
  std::vector<LeasedRun> due;
  RunParams shared;
  JobId shared_of;
  for (Run& run : tx.Ready(first.lane, first.priority, kLineLength)) {
    if (run.priority != first.priority || run.run_time > tx.now()) break;
    if (run.alone || run.start_deadline <= tx.now()) continue;
    if (shared_of != run.id.job()) {
      shared_of = run.id.job();
      shared = tx.SharedParams(shared_of);
    }
    RunParams params = Merge(shared, tx.OwnParams(run.id));
    due.push_back({std::move(run), std::move(params)});
  }
  return due;
}

// The lines of the head's queue, the head's own first.
std::vector<Line> LinesOf(Tx& tx, const Lessee& who, const Head& head) {
  std::vector<Line> lines;
  const auto add = [&](Lane lane, const Run& first) {
    std::vector<LeasedRun> due = DueTogether(tx, first);
    if (!due.empty()) lines.push_back({std::move(lane), std::move(due)});
  };
  add(head.lane, head.run);
  for (auto& [lane, run] : tx.LaneHeads()) {
    if (lines.size() == kLinesMax) break;
    if (lane.queue != head.queue.name || run.lane == head.run.lane) continue;
    if (!CanServe(who, lane) || !Batchable(lane.kind)) continue;
    absl::Time unused = absl::InfiniteFuture();
    const std::optional<Run> due = FirstDue(tx, run, &unused);
    if (due && due->priority == head.run.priority) add(std::move(lane), *due);
  }
  return lines;
}

bool MayCross(const Head& head) {
  const BatchPolicy policy = head.queue.settings.policy;
  return (policy == BatchPolicy::kAdaptive ||
          policy == BatchPolicy::kEconomic) &&
         Batchable(head.lane.kind) && !head.run.alone;
}

void NoteStarted(Tx& tx, PlanId id) {
  std::optional<PlanRecord> plan = tx.FindPlan(id);
  if (!plan || plan->start_time != absl::InfinitePast()) return;
  plan->start_time = tx.now();
  tx.SavePlan(*plan);
}

// The head's natural batch: runs of its job that have waited as long.
Members NaturalBatch(Tx& tx, const Lessee& who, const Head& head) {
  int size = Batchable(head.lane.kind) ? head.queue.settings.batch_size : 1;
  if (who.batch_size_max > 0) size = std::min(size, who.batch_size_max);
  if (size <= 1 || head.run.alone) return {.runs = {head.run}};
  Members members;
  for (Run& run : tx.ReadyWith(head.run, size)) {
    if (!run.alone) members.runs.push_back(std::move(run));
  }
  return members;
}

void FailOneLate(Tx& tx, const std::string& queue, Run run) {
  RunChanges changes(tx, queue);
  run.error = RunError{ErrorClass::kDeadline,
                       "it had not started by its start_deadline"};
  changes.Move(run, RunState::kFailed);
  changes.Commit({.type = EventType::kRunsChanged});
}

Leased TakeBatch(Tx& tx, const Lessee& who, const Head& head, Members members,
                 absl::Duration lease_duration) {
  Leased leased;
  leased.kind = tx.FindLane(members.runs[0].lane).kind;
  leased.plan = members.plan;
  leased.plan_batch = members.plan_batch;
  Batch& batch = leased.batch;
  batch.id = tx.NewBatchId();
  batch.queue = head.queue.name;
  batch.worker = who.id;
  batch.worker_name = who.name;
  batch.epoch = tx.NewEpoch();
  batch.start_time = tx.now();
  batch.lease_expire_time = tx.now() + lease_duration;
  RunChanges changes(tx, head.queue.name);
  RunParams shared;
  JobId shared_of;
  for (Run& run : members.runs) {
    ++run.attempt;
    run.batch = batch.id;
    run.epoch = batch.epoch;
    run.worker = who.name;
    run.start_time = tx.now();
    run.end_time = absl::InfinitePast();
    run.error.reset();
    changes.Move(run, RunState::kRunning);
    batch.runs.push_back(run.id);
    if (shared_of != run.id.job()) {
      shared_of = run.id.job();
      shared = tx.SharedParams(shared_of);
    }
    RunParams params = Merge(shared, tx.OwnParams(run.id));
    leased.runs.push_back({std::move(run), std::move(params)});
  }
  tx.SaveBatch(batch);
  changes.Commit(
      {.type = EventType::kRunsStarted, .batch = batch.id, .worker = who.name});
  return leased;
}

// Takes every run out of `batch`, each by `how`.
template <class How>
int EndBatch(Tx& tx, const Batch& batch, How how) {
  RunChanges changes(tx, batch.queue);
  for (RunId id : batch.runs) {
    std::optional<Run> run = tx.FindRun(id);
    if (!run || run->state != RunState::kRunning || run->epoch != batch.epoch) {
      continue;
    }
    how(changes, *run);
  }
  tx.DeleteBatch(batch.id);
  const int count = static_cast<int>(changes.size());
  changes.Commit({.type = EventType::kRunsChanged,
                  .batch = batch.id,
                  .worker = batch.worker_name});
  return count;
}

void EndByDeath(Tx& tx, const Batch& batch, const std::string& what) {
  EndBatch(tx, batch, [&](RunChanges& changes, Run& run) {
    changes.Fail(run, {ErrorClass::kWorkerDied, what});
  });
}

int EndByRelease(Tx& tx, const Batch& batch) {
  return EndBatch(tx, batch,
                  [](RunChanges& changes, Run& run) { changes.HandBack(run); });
}

}  // namespace

LeaseResult Lease(Tx& tx, const Lessee& who, absl::Duration lease_duration,
                  Companions* companions) {
  ExpireLeases(tx);
  LeaseResult result;
  std::set<std::string> held;
  absl::Time held_until = absl::InfiniteFuture();
  while (true) {
    result.next_time = held_until;
    const std::optional<Head> head = FindHead(tx, who, held, &result.next_time);
    if (!head) return result;
    if (head->run.start_deadline <= tx.now()) {
      FailOneLate(tx, head->queue.name, head->run);
      continue;
    }
    Members members = PlannedBatch(tx, who, *head);
    if (!members.runs.empty()) {
      NoteStarted(tx, head->queue.plan);
    } else if (companions != nullptr && MayCross(*head)) {
      const Companions::Choice choice = companions->Choose(
          head->queue, who, LinesOf(tx, who, *head), tx.now());
      for (const RunId id : choice.runs) {
        members.runs.push_back(*tx.FindRun(id));
      }
      if (members.runs.empty()) {
        held.insert(head->queue.name);
        held_until = std::min(held_until, choice.wait_until);
        continue;
      }
    } else {
      members = NaturalBatch(tx, who, *head);
    }
    result.leased =
        TakeBatch(tx, who, *head, std::move(members), lease_duration);
    return result;
  }
}

Orders Heartbeat(Tx& tx, BatchId batch_id, int64_t epoch,
                 absl::Duration lease_duration) {
  Orders orders;
  std::optional<Batch> batch = tx.FindBatch(batch_id);
  if (!batch || batch->epoch != epoch) {
    orders.lost = true;
    return orders;
  }
  if (batch->lease_expire_time - tx.now() < lease_duration / 2) {
    batch->lease_expire_time = tx.now() + lease_duration;
    tx.SaveBatch(*batch);
  }
  orders.lease_expire_time = batch->lease_expire_time;
  const std::optional<Queue> queue = tx.FindQueue(batch->queue);
  const bool release = queue && queue->state == QueueState::kPaused &&
                       queue->pause_mode == PauseMode::kNextStep;
  for (RunId id : batch->runs) {
    const std::optional<Run> run = tx.FindRun(id);
    if (run && run->cancel_requested) {
      orders.cancel.push_back(id);
    } else if (release) {
      orders.release.push_back(id);
    }
  }
  return orders;
}

void ExpireLeases(Tx& tx) {
  for (const Batch& batch : tx.Batches(tx.now())) {
    EndByDeath(tx, batch,
               absl::StrCat("worker ", batch.worker_name,
                            " was not heard of until its lease ended"));
  }
}

void EndLeasesOf(Tx& tx, WorkerId worker, bool died) {
  for (const Batch& batch : tx.Batches(absl::InfiniteFuture())) {
    if (batch.worker != worker) continue;
    if (died) {
      EndByDeath(tx, batch,
                 absl::StrCat("worker ", batch.worker_name, " died"));
    } else {
      EndByRelease(tx, batch);
    }
  }
}

absl::StatusOr<int> ReleaseLease(Tx& tx, BatchId batch_id, int64_t epoch) {
  const std::optional<Batch> batch = tx.FindBatch(batch_id);
  if (!batch || batch->epoch != epoch) {
    return Error(
        Reason::kLeaseLost,
        absl::StrCat(NameOf(batch_id), " is not held in epoch ", epoch));
  }
  return EndByRelease(tx, *batch);
}

void RenewLeases(Tx& tx, absl::Duration lease_duration) {
  for (Batch& batch : tx.Batches(absl::InfiniteFuture())) {
    batch.lease_expire_time = tx.now() + lease_duration;
    tx.SaveBatch(batch);
  }
}

int FailLate(Tx& tx, int limit) {
  const std::vector<RunId> late = tx.PastDeadline(tx.now(), limit);
  for (RunId id : late) {
    const std::optional<Run> run = tx.FindRun(id);
    const std::optional<Job> job = tx.FindJob(id.job());
    if (run && job) FailOneLate(tx, job->queue, *run);
  }
  return static_cast<int>(late.size());
}

}  // namespace sheaf
