#include "queue/leasing/lease.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "queue/job_lists.h"
#include "queue/leasing/ask.h"
#include "queue/leasing/first_head.h"
#include "queue/leasing/lease_ends.h"
#include "queue/leasing/pick.h"
#include "queue/queues.h"
#include "queue/run_changes.h"

namespace sheaf {
namespace {

bool Serves(const Names& names, const std::string& what) {
  return IsAnything(names) || names.Contains(what);
}

void NoteStarted(Tx& tx, PlanId id) {
  std::optional<PlanRecord> plan = tx.FindPlan(id);
  if (!plan || plan->start_time != absl::InfinitePast()) return;
  plan->start_time = tx.now();
  tx.SavePlan(*plan);
}

// A run that has waited for less may be on its way to a free worker, or join.
constexpr absl::Duration kPatience = absl::Milliseconds(500);
// Waiting runs of a lane that are looked at for twins.
constexpr int kTwinsMax = 64;

// Takes out of `runs` each run with the same request as one before it. Adds
// other runs that wait in the first one's lane with the same request as one of
// `runs`. Answers these twins, each with the run that makes its picture. The
// seed is part of a request.
std::vector<std::pair<LeasedRun, RunId>> TakeTwins(
    Tx& tx, std::vector<LeasedRun>* runs) {
  std::vector<std::pair<LeasedRun, RunId>> twins;
  std::map<std::pair<LaneId, std::string>, RunId> asked;
  std::set<RunId> known;
  std::vector<LeasedRun> kept;
  for (LeasedRun& leased : *runs) {
    known.insert(leased.run.id);
    const auto [at, is_new] = asked.try_emplace(
        {leased.run.lane, Encode(leased.params)}, leased.run.id);
    if (is_new) {
      kept.push_back(std::move(leased));
    } else {
      twins.emplace_back(std::move(leased), at->second);
    }
  }
  *runs = std::move(kept);
  const Run& first = (*runs)[0].run;
  std::vector<Run> waiting;
  for (Run& run : tx.Ready(first.lane, Priority::kUrgent, kTwinsMax)) {
    if (run.run_time > tx.now() || run.start_deadline <= tx.now()) continue;
    if (!run.alone && !known.contains(run.id)) {
      waiting.push_back(std::move(run));
    }
  }
  for (LeasedRun& leased : LoadRuns(tx, std::move(waiting))) {
    const auto at = asked.find({leased.run.lane, Encode(leased.params)});
    if (at != asked.end()) twins.emplace_back(std::move(leased), at->second);
  }
  return twins;
}

void Start(const Batch& batch, int64_t mark, absl::Time now, Run* run) {
  ++run->attempt;
  run->batch = batch.id;
  run->epoch = batch.epoch;
  run->hold = mark;
  run->worker = batch.worker_name;
  run->start_time = now;
  run->end_time = absl::InfinitePast();
  run->error.reset();
}

// A worker must be able to read what it leases: gRPC's own limit is 4 MiB.
constexpr int64_t kBatchBytesMax = 3 << 20;

// How many of the first runs fit, one at the least.
size_t CountThatFit(const std::vector<LeasedRun>& runs) {
  int64_t bytes = 0;
  for (size_t i = 0; i < runs.size(); ++i) {
    bytes += BytesOf(runs[i].params) + BytesOf(runs[i].run);
    if (bytes > kBatchBytesMax) return std::max<size_t>(i, 1);
  }
  return runs.size();
}

Leased TakeBatch(Tx& tx, const Lessee& who, Picked picked, LeasePolicy* policy,
                 absl::Duration lease_duration) {
  const Lane lane = tx.FindLane(picked.runs[0].run.lane);
  Leased leased;
  leased.kind = lane.kind;
  leased.runs = std::move(picked.runs);
  const size_t whole = leased.runs.size();
  leased.runs.resize(CountThatFit(leased.runs));
  if (policy != nullptr) {
    const double known_ms =
        leased.runs.size() == whole ? picked.predicted_ms : 0;
    const LeasePolicy::Terms terms =
        policy->TermsOf(who, lane, leased.runs, known_ms, tx.now());
    leased.runs.resize(std::clamp<size_t>(terms.runs, 1, leased.runs.size()));
    leased.predicted_ms = terms.predicted_ms;
  }
  std::vector<std::pair<LeasedRun, RunId>> twins;
  if (picked.queue.settings.twins && !leased.runs[0].run.alone) {
    const size_t before = leased.runs.size();
    twins = TakeTwins(tx, &leased.runs);
    if (leased.runs.size() < before) leased.predicted_ms = 0;
  }
  if (leased.runs.size() == whole) {
    leased.plan = picked.plan;
    leased.plan_batch = picked.plan_batch;
  }
  Batch& batch = leased.batch;
  batch.id = tx.NewBatchId();
  batch.queue = picked.queue.name;
  batch.worker = who.id;
  batch.worker_name = who.name;
  batch.epoch = tx.NewEpoch();
  batch.secret = who.new_secret;
  batch.start_time = tx.now();
  batch.lease_expire_time = tx.now() + lease_duration;
  const int64_t mark = MarkOf(ClaimOf(batch));
  RunChanges changes(tx, picked.queue.name);
  for (LeasedRun& each : leased.runs) {
    Start(batch, mark, tx.now(), &each.run);
    changes.Move(each.run, RunState::kRunning);
    batch.runs.push_back(each.run.id);
  }
  for (auto& [twin, of] : twins) {
    Start(batch, mark, tx.now(), &twin.run);
    changes.Move(twin.run, RunState::kRunning);
    batch.runs.push_back(twin.run.id);
    batch.twins[twin.run.id] = of;
  }
  tx.SaveBatch(batch);
  changes.Commit(
      {.type = EventType::kRunsStarted, .batch = batch.id, .worker = who.name});
  return leased;
}

// The first run of the batch that the worker wants joined; none where the
// worker does not hold that batch.
std::optional<Run> FirstOfBeside(Tx& tx, const Lessee& who) {
  const std::optional<Batch> batch = tx.FindBatch(who.beside);
  // The secret is good for this epoch alone.
  const LeaseClaim claim{who.id, who.beside, batch ? batch->epoch : 0,
                         who.beside_secret};
  if (!CheckClaim(batch, claim).ok() || batch->runs.empty())
    return std::nullopt;
  return tx.FindRun(batch->runs[0]);
}

// How many more rows may step with the batch at hand, of which `first` is a
// run. 0 for a batch of a plan: the plan says which runs step together, and for
// how long.
int RoomBeside(Tx& tx, const Lessee& who, const Run& first,
               const RunParams& params, const Lane& lane, LeasePolicy* policy) {
  const std::optional<Queue> queue = tx.FindQueue(lane.queue);
  if (!queue || first.alone) return 0;
  if (queue->plan && tx.FindPlanBatch(queue->plan, first.id)) return 0;
  int64_t most = queue->settings.batch_size;
  if (who.batch_size_max > 0) {
    most = std::min<int64_t>(most, who.batch_size_max);
  }
  if (policy != nullptr) {
    most = std::min<int64_t>(most, policy->RowsMax(who, params));
  }
  return static_cast<int>(most) - who.row_count;
}

// Keeps the runs, from the first on, that mix with a run that is being stepped.
void KeepThoseThatMix(const LeasePolicy& policy, const Lessee& who,
                      const RunParams& stepped, std::vector<LeasedRun>* runs) {
  std::vector<LeasedRun> all(1);
  all[0].params = stepped;
  all.insert(all.end(), runs->begin(), runs->end());
  runs->resize(policy.CountThatMix(who, all) - 1);
}

// The index that a call uses: its policy's, or one of its own.
class Heads {
 public:
  explicit Heads(LeasePolicy* policy)
      : kept_(policy == nullptr ? nullptr : policy->heads()) {}

  // As it is by now.
  HeadIndex& Fresh(Tx& tx) {
    if (kept_ == nullptr) {
      own_.Rebuild(tx);
      return own_;
    }
    kept_->Refresh(tx);
    return *kept_;
  }

 private:
  HeadIndex* const kept_;
  HeadIndex own_;
};

// Others must not wait for a lease that finds nothing but late runs.
constexpr int kLateMax = 100;

// Fails runs that come too late, one after another, until there is something
// else to pick, or until it is time to let others in. Ends pauses that are
// over.
Look PickAndSettle(Tx& tx, const Lessee& who, LeasePolicy* policy,
                   const Lane* beside) {
  Heads heads(policy);
  for (int late = 0;; ++late) {
    Look look = Pick(tx, who, policy, heads.Fresh(tx), beside);
    for (const Queue& queue : look.resumed) ResumeByTime(tx, queue);
    if (look.plan) tx.SavePlan(*look.plan);
    if (!look.late) return look;
    if (late == kLateMax) {
      look.next_time = tx.now();
      return look;
    }
    FailOneLate(tx, look.late_queue, *look.late);
  }
}

}  // namespace

bool CanServe(const Lessee& who, const Lane& lane) {
  // A lane without a size has the size that its model was trained for.
  const bool fits =
      who.pixels_max == 0 || lane.width * lane.height <= who.pixels_max;
  return fits && Serves(who.queues, lane.queue) &&
         Serves(who.kinds, lane.kind) &&
         (lane.model.empty() || Serves(who.models, lane.model));
}

bool DifferInOwnerAlone(const Lane& a, const Lane& b) {
  return a.kind == b.kind && a.model == b.model && a.vae == b.vae &&
         a.width == b.width && a.height == b.height;
}

LeaseResult Lease(Tx& tx, const Lessee& who, absl::Duration lease_duration,
                  LeasePolicy* policy) {
  LeaseResult result;
  Lessee asking = who;
  std::optional<Lane> beside;
  std::optional<RunParams> together;  // a request to go together with
  if (who.beside) {
    const std::optional<Run> first = FirstOfBeside(tx, who);
    result.lost = !first;
    if (!first) return result;
    beside = tx.FindLane(first->lane);
    result.beside = beside;
    together = Merge(tx.SharedParams(first->id.job()), tx.OwnParams(first->id));
    asking.batch_size_max =
        RoomBeside(tx, who, *first, *together, *beside, policy);
    if (asking.batch_size_max <= 0) return result;
  }
  Look look = PickAndSettle(tx, asking, policy, beside ? &*beside : nullptr);
  result.next_time = look.next_time;
  result.better = look.better;
  result.notes = std::move(look.notes);
  if (!look.picked) return result;
  Picked picked = *std::move(look.picked);
  if (!together) together = picked.runs[0].params;
  // A lane says nothing of `extra`; a plan has looked at it.
  if (!picked.planned) {
    const auto others = std::erase_if(picked.runs, [&](const LeasedRun& run) {
      return !HaveSameExtra(run.params, *together);
    });
    if (others > 0) picked.predicted_ms = 0;
  }
  if (beside && policy != nullptr && !picked.runs.empty()) {
    KeepThoseThatMix(*policy, who, *together, &picked.runs);
  }
  if (picked.runs.empty()) return result;
  if (picked.planned) NoteStarted(tx, picked.queue.plan);
  result.leased =
      TakeBatch(tx, asking, std::move(picked), policy, lease_duration);
  return result;
}

std::optional<Lane> NextWork(Tx& tx, const Lessee& who, LeasePolicy* policy) {
  Heads heads(policy);
  Ask ask(tx, who, policy, heads.Fresh(tx));
  const std::optional<HeadIndex::Place> place = AnyHead(ask);
  if (!place) return std::nullopt;
  return ask.heads.LaneAt(*place);
}

HeartbeatReply Heartbeat(Tx& tx, const LeaseClaim& claim,
                         absl::Duration lease_duration, bool give_way) {
  HeartbeatReply orders;
  std::optional<Batch> batch = tx.FindBatch(claim.batch);
  if (!CheckClaim(batch, claim).ok()) {
    orders.lost = true;
    return orders;
  }
  if (batch->lease_expire_time - tx.now() < lease_duration / 2) {
    batch->lease_expire_time = tx.now() + lease_duration;
    tx.SaveBatch(*batch);
  }
  orders.lease_expire_time = batch->lease_expire_time;
  const std::optional<Queue> queue = tx.FindQueue(batch->queue);
  const bool paused = queue && queue->state == QueueState::kPaused &&
                      queue->pause_mode == PauseMode::kNextStep;
  for (RunId id : batch->runs) {
    // The worker knows nothing of twins.
    if (batch->twins.contains(id)) continue;
    const std::optional<Run> run = tx.FindRun(id);
    if (run && run->cancel_requested) {
      orders.cancel.push_back(id);
    } else if (paused || give_way) {
      orders.release.push_back(id);
    }
  }
  return orders;
}

std::optional<RunId> OutrankedBy(Tx& tx, BatchId batch_id, const Lessee& who,
                                 LeasePolicy* policy) {
  const std::vector<Queue> queues = tx.Queues();
  if (std::none_of(queues.begin(), queues.end(), [](const Queue& queue) {
        return queue.settings.preempt_from.has_value();
      })) {
    return std::nullopt;
  }
  const std::optional<Batch> batch = tx.FindBatch(batch_id);
  if (!batch || batch->worker != who.id) return std::nullopt;
  auto highest = Priority::kLow;
  for (RunId id : batch->runs) {
    const std::optional<Run> run = tx.FindRun(id);
    if (run) highest = std::max(highest, run->priority);
  }
  const auto outranks = [&](Priority priority, absl::Time run_time,
                            const std::string& queue_name) {
    const std::optional<Queue> queue = tx.FindQueue(queue_name);
    return queue && queue->settings.preempt_from &&
           priority >= *queue->settings.preempt_from && priority > highest &&
           run_time + kPatience <= tx.now();
  };
  Lessee free = who;
  free.beside = {};
  Heads kept(policy);
  HeadIndex& heads = kept.Fresh(tx);
  const Ask ask(tx, free, policy, heads);
  const bool outranked = std::any_of(
      ask.groups.begin(), ask.groups.end(), [&](const HeadIndex::Group* group) {
        for (int level = static_cast<int>(highest) + 1;
             level <= static_cast<int>(Priority::kUrgent); ++level) {
          const auto priority = static_cast<Priority>(level);
          const auto& due = group->at(priority).due;
          if (!due.empty() &&
              outranks(priority, due.begin()->run_time, group->lane.queue)) {
            return true;
          }
        }
        return false;
      });
  if (!outranked) return std::nullopt;
  // A run that comes too late is failed elsewhere; the next report asks again.
  const Look look = Pick(tx, free, policy, heads);
  if (!look.picked) return std::nullopt;
  const Run& first = look.picked->runs[0].run;
  if (!outranks(first.priority, first.run_time, look.picked->queue.name)) {
    return std::nullopt;
  }
  return first.id;
}

absl::StatusOr<int> ReleaseLease(Tx& tx, const LeaseClaim& claim) {
  SHEAF_RETURN_IF_ERROR(CheckClaim(tx.FindBatch(claim.batch), claim));
  return EndLease(tx, claim.batch, LeaseEnd::kHandedBack);
}

void RenewLeases(Tx& tx, absl::Duration lease_duration, absl::Duration step) {
  const absl::Time start_time = tx.now() + step;
  tx.RenewLeases(start_time, start_time + lease_duration);
}

}  // namespace sheaf
