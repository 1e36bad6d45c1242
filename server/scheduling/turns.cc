#include "server/scheduling/turns.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

namespace sheaf::server {
namespace {

// Workers come and go; a forgotten worker merely changes its model once more. A
// forgotten owner's count starts again from zero.
constexpr size_t kWorkersKept = 1'000;
constexpr size_t kOwnersKept = 10'000;
// A worker that gives way has done so within this time, or will not.
constexpr absl::Duration kGivesWayWithin = absl::Seconds(10);
// A run that was not looked at for this long is gone.
constexpr absl::Duration kDeferredKept = absl::Minutes(1);

std::string ModelOf(const Lane& lane) {
  return absl::StrCat(lane.model, "\n", lane.vae);
}

}  // namespace

bool Turns::IsLoadedLocked(WorkerId worker, const Lane& lane) const {
  const auto found = loaded_.find(worker);
  return found != loaded_.end() && found->second == ModelOf(lane);
}

bool Turns::IsLoaded(WorkerId worker, const Lane& lane) const {
  absl::MutexLock lock(&mutex_);
  return IsLoadedLocked(worker, lane);
}

batching::WorkerView Turns::ViewOf(const WorkerPlace& place,
                                   const Lane& lane) const {
  return {.worker = place.who.id.value,
          .free_ms = place.free_ms,
          .runs = place.runs,
          .loaded = IsLoadedLocked(place.who.id, lane),
          .swap_ms = options_.swap_ms ? options_.swap_ms(place.who, lane) : 0};
}

// The plain rules do not look ahead: for them only waiting workers count.
bool Turns::LeaveIt(const Lessee& who, const LaneHead& head,
                    const std::vector<WorkerPlace>& others) {
  const bool by_time =
      options_.placement == batching::PlacementRule::kEarliestFinish;
  std::vector<batching::WorkerView> workers;
  workers.push_back(ViewOf({who}, head.lane));
  for (const WorkerPlace& other : others) {
    if (other.who.id == who.id || !CanServe(other.who, head.lane)) continue;
    if (by_time || other.free_ms == 0) {
      workers.push_back(ViewOf(other, head.lane));
    }
  }
  const auto best =
      batching::PlaceBatch(workers, options_.placement, last_worker_);
  if (*best == 0) return false;
  // Equals need not wait for each other.
  if (!by_time) return true;
  const auto end_of = [](const batching::WorkerView& worker) {
    return worker.free_ms + (worker.loaded ? 0 : worker.swap_ms);
  };
  return end_of(workers[*best]) < end_of(workers[0]);
}

LeasePolicy::Turn Turns::Next(const Lessee& who,
                              const std::vector<LaneHead>& heads,
                              absl::Time now) {
  // By finish time, no worker is better than a waiting one that has the model
  // loaded. So the others are not looked at, which would cost time.
  const bool by_time =
      options_.placement == batching::PlacementRule::kEarliestFinish;
  const bool all_loaded = std::all_of(
      heads.begin(), heads.end(),
      [&](const LaneHead& head) { return IsLoaded(who.id, head.lane); });
  std::vector<WorkerPlace> others;
  if (!by_time || !all_loaded) others = others_();
  absl::MutexLock lock(&mutex_);
  std::vector<batching::FairHead> fair;
  for (const LaneHead& head : heads) {
    const auto deferred = deferred_.find(head.run.id);
    const bool waited = deferred != deferred_.end() &&
                        now - deferred->second.since >= options_.affinity_wait;
    // A run that has waited for a better worker long enough waits no more.
    fair.push_back({options_.fair ? head.lane.owner : "", head.run.run_time,
                    waited || IsLoadedLocked(who.id, head.lane)});
  }
  fair_ = batching::WithWaiting(std::move(fair_), fair);
  LeasePolicy::Turn turn;
  for (const size_t i :
       batching::TurnOrder(fair_, fair, options_.fairness, now)) {
    const auto deferred = deferred_.find(heads[i].run.id);
    const absl::Time end =
        options_.affinity_wait +
        (deferred == deferred_.end() ? now : deferred->second.since);
    if (now >= end || !LeaveIt(who, heads[i], others)) {
      turn.head = i;
      break;
    }
    turn.wait_until = std::min(turn.wait_until, end);
  }
  for (size_t i = 0; i < heads.size(); ++i) {
    if (turn.head == i) continue;
    deferred_.try_emplace(heads[i].run.id, Deferred{now, now})
        .first->second.seen = now;
  }
  std::erase_if(deferred_, [&](const auto& known) {
    return now - known.second.seen > kDeferredKept;
  });
  return turn;
}

void Turns::Taking(WorkerId worker, absl::Time now) {
  absl::MutexLock lock(&mutex_);
  // Writers' time is in whole milliseconds.
  taken_[worker] = now + absl::Milliseconds(1);
  if (taken_.size() > kWorkersKept) taken_.erase(taken_.begin());
}

absl::Time Turns::TakenAt(WorkerId worker) const {
  absl::MutexLock lock(&mutex_);
  const auto found = taken_.find(worker);
  return found == taken_.end() ? absl::InfinitePast() : found->second;
}

void Turns::Took(const Leased& leased, const Lessee& who, double ms,
                 absl::Time now) {
  if (leased.runs.empty()) return;
  std::map<std::string, double> parts;
  for (const LeasedRun& run : leased.runs) {
    parts[run.owner] += ms / static_cast<double>(leased.runs.size());
  }
  Lane lane;
  lane.model = leased.runs[0].params.model.value_or("");
  lane.vae = leased.runs[0].params.vae.value_or("");
  absl::MutexLock lock(&mutex_);
  for (const auto& [owner, part] : parts) {
    fair_ = batching::Charged(std::move(fair_), options_.fair ? owner : "",
                              part, options_.fairness, now);
    given_ms_[owner] += part;
    if (given_ms_.size() > kOwnersKept) given_ms_.erase(given_ms_.begin());
  }
  for (const LeasedRun& run : leased.runs) deferred_.erase(run.run.id);
  loaded_[who.id] = ModelOf(lane);
  if (loaded_.size() > kWorkersKept) loaded_.erase(loaded_.begin());
  last_worker_ = who.id.value;
}

bool Turns::GivesWay(WorkerId worker, RunId to, absl::Time now) {
  absl::MutexLock lock(&mutex_);
  std::erase_if(ways_, [&](const auto& way) {
    return now - way.second.second > kGivesWayWithin;
  });
  return ways_.try_emplace(to, worker, now).first->second.first == worker;
}

std::map<std::string, absl::Duration> Turns::Given() const {
  absl::MutexLock lock(&mutex_);
  std::map<std::string, absl::Duration> given;
  for (const auto& [owner, ms] : given_ms_) {
    given[owner] = absl::Milliseconds(ms);
  }
  return given;
}

}  // namespace sheaf::server
