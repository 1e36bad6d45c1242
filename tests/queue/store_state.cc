#include "tests/queue/store_state.h"

#include <algorithm>
#include <set>
#include <sstream>

#include "queue/jobs.h"

namespace sheaf {
namespace {

constexpr int kAll = 1'000'000;

WholeJob WholeOf(View& view, const Job& job) {
  WholeJob whole{.job = job, .shared = view.SharedParams(job.id)};
  whole.runs = view.Runs({.first = RunId(job.id, 0),
                          .last = RunId(job.id, kRunsPerJobMax),
                          .limit = kAll});
  for (const Run& run : whole.runs) {
    whole.own.push_back(view.OwnParams(run.id));
    whole.attempts.push_back(view.Attempts(run.id));
  }
  whole.position = PositionOf(view, job);
  return whole;
}

std::string Text(const Run& run) {
  std::ostringstream out;
  out << NameOf(run.id) << " state " << static_cast<int>(run.state)
      << " priority " << static_cast<int>(run.priority) << " lane "
      << run.lane.value << " run_time " << run.run_time << " deadline "
      << run.start_deadline << " attempt " << run.attempt << " failures "
      << run.failures << " crashes " << run.crashes << " alone " << run.alone
      << " cancel " << run.cancel_requested << " batch " << run.batch.value
      << " epoch " << run.epoch << " worker " << run.worker << " start "
      << run.start_time << " end " << run.end_time << " error "
      << (run.error ? run.error->message : "none") << " outputs "
      << run.outputs.size();
  return out.str();
}

std::string Text(const Job& job) {
  std::ostringstream out;
  out << NameOf(job.id) << " queue " << job.queue << " priority "
      << static_cast<int>(job.priority) << " counts " << job.counts.queued
      << "/" << job.counts.running << "/" << job.counts.succeeded << "/"
      << job.counts.failed << "/" << job.counts.cancelled << " version "
      << job.version << " run_time " << job.run_time << " deadline "
      << job.start_deadline << " start " << job.start_time << " end "
      << job.end_time << " expire " << job.expire_time;
  return out.str();
}

std::string Text(const Queue& queue) {
  std::ostringstream out;
  out << queue.name << " state " << static_cast<int>(queue.state)
      << " revision " << queue.revision << " version " << queue.version
      << " queued " << queue.queued << " running " << queue.running
      << " resume " << queue.resume_time << " reason " << queue.reason;
  return out.str();
}

std::string Text(const Batch& batch) {
  std::ostringstream out;
  out << NameOf(batch.id) << " epoch " << batch.epoch << " expires "
      << batch.lease_expire_time << " runs " << batch.runs.size();
  return out.str();
}

std::string Text(const Event& event) {
  std::ostringstream out;
  out << "event " << event.sequence << " type " << static_cast<int>(event.type)
      << " at " << event.time << " queue " << event.queue << " job "
      << event.job.value << " runs " << event.runs.size() << " ended "
      << event.ended.size() << " reason " << event.reason;
  return out.str();
}

std::string Text(const Artifact& artifact) { return artifact.digest; }

template <class T>
std::string FirstDifference(const std::vector<T>& a, const std::vector<T>& b) {
  for (size_t i = 0; i < std::max(a.size(), b.size()); ++i) {
    if (i < a.size() && i < b.size() && a[i] == b[i]) continue;
    return "\n  " + (i < a.size() ? Text(a[i]) : "nothing") + "\n  " +
           (i < b.size() ? Text(b[i]) : "nothing");
  }
  return "";
}

std::string DifferenceOf(const WholeJob& a, const WholeJob& b) {
  if (!(a.job == b.job)) return "\n  " + Text(a.job) + "\n  " + Text(b.job);
  if (!(a.runs == b.runs)) return FirstDifference(a.runs, b.runs);
  if (!(a.attempts == b.attempts)) return NameOf(a.job.id) + ": attempts";
  if (a.position != b.position) return NameOf(a.job.id) + ": position";
  return NameOf(a.job.id) + ": params";
}

// Collects broken rules.
class Faults {
 public:
  void Unless(bool kept, const std::string& what) {
    if (!kept) list_.push_back(what);
  }
  std::vector<std::string> Take() { return std::move(list_); }

 private:
  std::vector<std::string> list_;
};

void CheckJob(const WholeJob& whole, Faults& faults) {
  const Job& job = whole.job;
  const std::string name = Text(job);
  RunCounts counts;
  for (size_t i = 0; i < whole.runs.size(); ++i) {
    const Run& run = whole.runs[i];
    ++counts.of(run.state);
    faults.Unless(run.id == RunId(job.id, static_cast<int>(i)),
                  Text(run) + ": a run is missing before it");
    faults.Unless(
        IsFinal(run.state) == (run.end_time != absl::InfinitePast()) ||
            run.state == RunState::kQueued,
        Text(run) + ": end_time does not fit its state");
    faults.Unless(run.state != RunState::kQueued || !run.cancel_requested,
                  Text(run) + ": waits though it is to be cancelled");
    for (size_t k = 0; k < whole.attempts[i].size(); ++k) {
      const int attempt = whole.attempts[i][k].attempt;
      faults.Unless(attempt <= run.attempt && attempt > 0,
                    Text(run) + ": an attempt that never was");
    }
  }
  faults.Unless(counts == job.counts, name + ": counts differ from its runs");
  faults.Unless(job.run_count == static_cast<int>(whole.runs.size()),
                name + ": run_count");
  const bool ended = job.counts.live() == 0;
  faults.Unless(ended == (job.end_time != absl::InfiniteFuture()),
                name + ": end_time does not fit its runs");
  faults.Unless(ended || job.expire_time == absl::InfiniteFuture(),
                name + ": would expire alive");
}

void CheckBatches(const StoreState& state, Faults& faults) {
  std::map<RunId, const Batch*> holder;
  for (const Batch& batch : state.batches) {
    faults.Unless(!batch.runs.empty(), Text(batch) + ": empty");
    for (RunId id : batch.runs) {
      faults.Unless(holder.emplace(id, &batch).second,
                    NameOf(id) + ": in two batches");
    }
  }
  for (const auto& [id, whole] : state.jobs) {
    for (const Run& run : whole.runs) {
      const auto held = holder.find(run.id);
      const bool runs = run.state == RunState::kRunning;
      faults.Unless(runs == (held != holder.end()),
                    Text(run) + (runs ? ": runs without a batch"
                                      : ": in a batch, and does not run"));
      if (!runs || held == holder.end()) continue;
      faults.Unless(held->second->id == run.batch &&
                        held->second->epoch == run.epoch &&
                        held->second->queue == whole.job.queue,
                    Text(run) + ": is not what its batch says");
      holder.erase(held);
    }
  }
  faults.Unless(holder.empty(), "a batch holds a run that is gone");
}

void CheckQueues(const StoreState& state, Faults& faults) {
  std::map<std::string, RunCounts> counts;
  for (const auto& [id, whole] : state.jobs) {
    counts[whole.job.queue] += whole.job.counts;
  }
  std::set<std::string> names;
  for (const Queue& queue : state.queues) {
    names.insert(queue.name);
    faults.Unless(queue.queued == counts[queue.name].queued &&
                      queue.running == counts[queue.name].running,
                  Text(queue) + ": counts differ from its jobs");
  }
  std::map<std::string, OwnerCounts> owners;
  for (const auto& [id, whole] : state.jobs) {
    if (whole.job.counts.live() == 0) continue;
    OwnerCounts& owner = owners[whole.job.owner];
    owner.owner = whole.job.owner;
    owner.queued += whole.job.counts.queued;
    owner.running += whole.job.counts.running;
  }
  faults.Unless(owners.size() == state.owners.size(),
                "owners that have nothing, or none that has something");
  for (const OwnerCounts& owner : state.owners) {
    faults.Unless(owner == owners[owner.owner],
                  owner.owner + ": counts differ from their jobs");
  }
  for (const auto& [name, count] : counts) {
    faults.Unless(count.live() == 0 || names.contains(name),
                  name + ": runs wait in a queue that is gone");
  }
}

}  // namespace

StoreState StateOf(View& view, int64_t events_after) {
  StoreState state;
  state.queues = view.Queues();
  for (const Job& job : view.Jobs({.limit = kAll})) {
    state.jobs.emplace(job.id.value, WholeOf(view, job));
  }
  state.owners = view.Owners();
  for (const Queue& queue : state.queues) {
    for (PlanRecord& plan : view.Plans(queue.name, PlanId{}, kAll)) {
      WholePlan& whole = state.plans.emplace_back();
      whole.batches = view.PlanBatches(plan.id, 0, kAll);
      whole.record = std::move(plan);
    }
  }
  state.batches = view.Batches(absl::InfiniteFuture());
  state.events = view.Events(events_after, kAll);
  state.first_sequence = view.FirstSequence();
  state.last_sequence = view.LastSequence();
  state.unreferenced = view.UnreferencedArtifacts(absl::InfiniteFuture(), kAll);
  state.artifacts = view.Counts().artifacts;
  state.artifact_bytes = view.Counts().artifact_bytes;
  return state;
}

std::string DifferenceOf(const StoreState& a, const StoreState& b) {
  if (a == b) return "";
  for (const std::string& difference :
       {FirstDifference(a.queues, b.queues),
        FirstDifference(a.batches, b.batches),
        FirstDifference(a.events, b.events),
        FirstDifference(a.unreferenced, b.unreferenced)}) {
    if (!difference.empty()) return difference;
  }
  for (const auto& [id, whole] : a.jobs) {
    const auto other = b.jobs.find(id);
    if (other == b.jobs.end()) return Text(whole.job) + " is not in both";
    if (!(whole == other->second)) return DifferenceOf(whole, other->second);
  }
  for (size_t i = 0; i < std::min(a.plans.size(), b.plans.size()); ++i) {
    if (a.plans[i] == b.plans[i]) continue;
    return NameOf(a.plans[i].record.id) + " or " +
           NameOf(b.plans[i].record.id) + " differs";
  }
  return "other jobs, owners, plans, sequences or counts of artifacts";
}

std::vector<std::string> FaultsOf(const StoreState& state) {
  Faults faults;
  std::set<std::pair<std::string, std::string>> requests;
  for (const auto& [id, whole] : state.jobs) {
    CheckJob(whole, faults);
    const Job& job = whole.job;
    faults.Unless(job.request_id.empty() ||
                      requests.emplace(job.owner, job.request_id).second,
                  job.request_id + ": made two jobs");
  }
  CheckBatches(state, faults);
  CheckQueues(state, faults);
  return faults.Take();
}

void RunFollower::Follow(const Event& event) {
  if (event.sequence != last_ + 1) {
    faults_.push_back(Text(event) + ": does not follow " +
                      std::to_string(last_));
  }
  last_ = event.sequence;
  for (const RunChange& change : event.runs) {
    const RunState before = StateOf(change.run);
    const bool revived = IsFinal(before);
    if (!MayFollow(before, change.state) ||
        (revived && event.reason != "retried")) {
      faults_.push_back(Text(event) + ": " + NameOf(change.run) +
                        " went from " + std::string(FactsOf(before).name) +
                        " to " + std::string(FactsOf(change.state).name));
    }
    states_[change.run] = change.state;
  }
  if (event.type == EventType::kJobDeleted) {
    states_.erase(states_.lower_bound(RunId(event.job, 0)),
                  states_.lower_bound(RunId(JobId{event.job.value + 1}, 0)));
  }
}

RunState RunFollower::StateOf(RunId run) const {
  const auto known = states_.find(run);
  return known == states_.end() ? RunState::kQueued : known->second;
}

}  // namespace sheaf
