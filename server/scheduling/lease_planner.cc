#include "server/scheduling/lease_planner.h"

#include <algorithm>

#include "server/scheduling/batch_choice.h"
#include "server/scheduling/work_of.h"

namespace sheaf::server {
namespace {

// A split may cost this share more, over all devices together.
constexpr double kExtra = 0.05;
// A forgotten owner's count starts again from zero.
constexpr size_t kOwnersKept = 10'000;
// A worker that gives way has done so within this time, or will not.
constexpr absl::Duration kGivesWayWithin = absl::Seconds(10);
// A run that was not looked at for this long is gone.
constexpr absl::Duration kPassedKept = absl::Minutes(1);

}  // namespace

double LeasePlanner::RankOf(const std::string& owner) const {
  if (!options_.fair) return 0;
  absl::MutexLock lock(&mutex_);
  return batching::ClockOf(fair_, owner);
}

HeadIndex* LeasePlanner::heads() {
  std::set<std::string> charged;
  {
    absl::MutexLock lock(&mutex_);
    charged.swap(charged_);
  }
  for (const std::string& owner : charged) heads_.NoteRank(owner);
  return &heads_;
}

double LeasePlanner::SwapMs(const Lessee& who, const Lane& lane) const {
  return parts_.prices->SwapMs(WorkOf(who, lane, ModelsOn(who).get()));
}

batching::WorkerView LeasePlanner::ViewOf(const WorkerPlace& place,
                                          const Lane& lane) const {
  const bool loaded = parts_.places->IsLoaded(place.who.id, lane);
  return {.worker = place.who.id.value,
          .free_ms = place.free_ms,
          .runs = place.runs,
          .loaded = loaded,
          .swap_ms = loaded ? 0 : SwapMs(place.who, lane)};
}

// The plain rules do not look ahead: for them only waiting workers count.
WorkerId LeasePlanner::BetterFor(const Lessee& who, const Lane& lane,
                                 WorkerId last, absl::Time now) const {
  const bool by_time =
      options_.placement == batching::PlacementRule::kEarliestFinish;
  std::vector<batching::WorkerView> workers = {ViewOf({who}, lane)};
  // By finish time, no worker is better than a waiting one that has the model
  // loaded.
  if (by_time && workers[0].loaded) return {};
  const std::vector<WorkerPlace> others =
      by_time ? parts_.places->Rivals(who, lane, now)
              : parts_.places->Idle(who, lane, last);
  for (const WorkerPlace& other : others) {
    workers.push_back(ViewOf(other, lane));
  }
  const size_t best =
      *batching::PlaceBatch(workers, options_.placement, last.value);
  if (best == 0) return {};
  const auto end_of = [](const batching::WorkerView& worker) {
    return worker.free_ms + (worker.loaded ? 0 : worker.swap_ms);
  };
  // Equals need not wait for each other.
  if (by_time && end_of(workers[best]) >= end_of(workers[0])) return {};
  return WorkerId{workers[best].worker};
}

LeasePolicy::Turn LeasePlanner::Next(const Lessee& who,
                                     const std::vector<LaneHead>& heads,
                                     absl::Time now) const {
  std::vector<batching::FairHead> fair;
  std::vector<absl::Time> ends;  // until when each may wait for a better worker
  std::vector<size_t> order;
  WorkerId last;
  Turn turn;
  {
    absl::MutexLock lock(&mutex_);
    last = last_worker_;
    for (const LaneHead& head : heads) {
      const auto passed = passed_.find(head.run.id);
      const absl::Time since =
          passed == passed_.end() ? now : passed->second.since;
      ends.push_back(since + options_.affinity_wait);
      // A run that has waited for a better worker long enough waits no more.
      const bool waited = passed != passed_.end() && now >= ends.back();
      fair.push_back({options_.fair ? head.lane.owner : "", head.run.run_time,
                      waited || parts_.places->IsLoaded(who.id, head.lane)});
      const double rank = batching::ClockOf(fair_, fair.back().owner);
      turn.notes.rank =
          fair.size() == 1 ? rank : std::min(turn.notes.rank, rank);
    }
    order = batching::TurnOrder(fair_, fair, options_.fairness, now);
  }
  for (const size_t i : order) {
    if (now < ends[i]) {
      const WorkerId better = BetterFor(who, heads[i].lane, last, now);
      if (better) {
        turn.wait_until = std::min(turn.wait_until, ends[i]);
        if (!turn.better) turn.better = better;
        continue;
      }
    }
    turn.head = i;
    break;
  }
  for (size_t i = 0; i < heads.size(); ++i) {
    if (turn.head != i) turn.notes.passed.push_back(heads[i].run.id);
  }
  return turn;
}

Lane LeasePlanner::Spelled(const Lessee& who, const Lane& lane) const {
  return server::Spelled(lane, ModelsOn(who).get());
}

batching::Capability LeasePlanner::CapabilityFor(const Lessee& who,
                                                 const RunParams& like) const {
  const auto models = ModelsOn(who);
  const WorkKind kind = WorkOf(who, like, models.get());
  if (parts_.prices->StepsAlone(kind.device, kind.model)) {
    return batching::Capability::kDisabled;
  }
  return models == nullptr ? batching::Capability::kFull
                           : models->Of(like).capability;
}

size_t LeasePlanner::CountThatMix(const Lessee& who,
                                  const std::vector<LeasedRun>& runs) const {
  const batching::Capability capability = CapabilityFor(who, runs[0].params);
  if (capability == batching::Capability::kFull) return runs.size();
  if (capability == batching::Capability::kDisabled) return 1;
  const auto models = ModelsOn(who);
  const auto key_of = [&](const LeasedRun& run) {
    std::string key;
    const RunParams* defaults =
        models == nullptr ? nullptr : &models->Of(run.params).defaults;
    batching::AppendKey({"", &run.params, defaults}, capability, &key);
    return key;
  };
  const std::string first = key_of(runs[0]);
  const auto other =
      std::find_if(runs.begin(), runs.end(),
                   [&](const LeasedRun& run) { return key_of(run) != first; });
  return other - runs.begin();
}

int LeasePlanner::RowsMax(const Lessee& who, const RunParams& like) const {
  if (CapabilityFor(who, like) == batching::Capability::kDisabled) return 1;
  return parts_.memory->RowsMax(WorkOf(who, like, ModelsOn(who).get()));
}

// Each run may bring another type of control, and with it another limit.
size_t LeasePlanner::CountThatFit(const Lessee& who,
                                  const std::vector<LeasedRun>& runs) const {
  ControlTypes types;
  WorkKind kind = WorkOf(who, runs[0].params, ModelsOn(who).get());
  int most = parts_.memory->RowsMax(kind);
  size_t count = 0;
  for (const LeasedRun& run : runs) {
    types.Add(run.params);
    if (types.count() != kind.controls) {
      kind.controls = types.count();
      most = parts_.memory->RowsMax(kind);
    }
    if (count > 0 && static_cast<int>(count) >= most) break;
    ++count;
  }
  return count;
}

LeasePolicy::Choice LeasePlanner::Choose(const Queue& queue, const Lessee& who,
                                         std::vector<Line> lines,
                                         absl::Time now) const {
  ChoiceFacts facts;
  facts.size = queue.settings.batch_size;
  if (who.batch_size_max > 0) {
    facts.size = std::min(facts.size, who.batch_size_max);
  }
  facts.devices = parts_.count_workers();
  facts.at_work = static_cast<bool>(who.beside);
  facts.models = ModelsOn(who);
  for (const Line& line : lines) {
    facts.fits.push_back(RowsMax(who, line.waiting[0].params));
    facts.arrivals_per_second.push_back(
        parts_.arrivals->PerSecond(line.lane, now));
    facts.expected_by.push_back(parts_.arrivals->ExpectedBy(line.lane, now));
    facts.loaded.push_back(parts_.places->IsLoaded(who.id, line.lane));
  }
  Choice choice = ChooseAmong(
      queue, std::move(lines), facts,
      [&](const batching::ShapeTable& shapes) {
        return parts_.prices->PricesOf(shapes, who.device);
      },
      now);
  if (choice.runs.empty()) return choice;
  const size_t fit =
      std::min(CountThatFit(who, choice.runs), CountThatMix(who, choice.runs));
  if (fit < choice.runs.size()) {
    choice.runs.resize(fit);
    choice.predicted_ms = 0;
  }
  return choice;
}

// Only workers that wait and have the model count: a change of model costs more
// than a split gains.
int LeasePlanner::DevicesFor(const Lessee& who, const Lane& lane,
                             int runs) const {
  if (runs < 2) return 1;
  if (!options_.may_split &&
      !parts_.prices->IsMeasured(WorkOf(who, lane, ModelsOn(who).get()))) {
    return 1;
  }
  const std::vector<WorkerId> idle = parts_.places->IdleWithModel(lane, runs);
  const auto itself = std::count(idle.begin(), idle.end(), who.id);
  return std::min(static_cast<int>(1 + idle.size() - itself), runs);
}

LeasePolicy::Terms LeasePlanner::TermsOf(const Lessee& who, const Lane& lane,
                                         const std::vector<LeasedRun>& runs,
                                         double predicted_ms,
                                         absl::Time) const {
  const int whole = static_cast<int>(runs.size());
  const int devices = DevicesFor(who, lane, whole);
  // A batch that goes as a whole is priced as it is handed out, which keeps the
  // writer free (BatchesUnderWay).
  if (devices == 1) return {whole, predicted_ms};
  const PricedRuns priced(
      lane.kind, runs,
      [&](const batching::ShapeTable& shapes) {
        return parts_.prices->PricesOf(shapes, who.device);
      },
      ModelsOn(who));
  if (!priced.complete()) return {whole};
  const auto ms_of = [&](int n) { return priced.Of(n); };
  const int count = batching::SplitOver(whole, devices, ms_of, kExtra)[0];
  return {count, priced.Of(count)};
}

void LeasePlanner::Looked(const LeaseNotes& notes, absl::Time now) {
  absl::MutexLock lock(&mutex_);
  fair_ = batching::WithWaiting(std::move(fair_), notes.rank);
  for (const RunId run : notes.passed) {
    passed_.try_emplace(run, Passed{now, now}).first->second.seen = now;
  }
  if (now - sweep_time_ < absl::Seconds(1)) return;
  sweep_time_ = now;
  std::erase_if(passed_, [&](const auto& known) {
    return now - known.second.seen > kPassedKept;
  });
}

void LeasePlanner::Took(const Leased& leased, const Lessee& who, double ms,
                        absl::Time now) {
  if (leased.runs.empty()) return;
  std::map<std::string, double> parts;
  for (const LeasedRun& run : leased.runs) {
    parts[run.owner] += ms / static_cast<double>(leased.runs.size());
  }
  const RunParams& params = leased.runs[0].params;
  parts_.places->SetLoaded(who.id, params.model.value_or(""),
                           params.vae.value_or(""));
  absl::MutexLock lock(&mutex_);
  for (const auto& [owner, part] : parts) {
    fair_ = batching::Charged(std::move(fair_), options_.fair ? owner : "",
                              part, options_.fairness, now);
    charged_.insert(owner);
    given_ms_[owner] += part;
    if (given_ms_.size() > kOwnersKept) given_ms_.erase(given_ms_.begin());
  }
  for (const LeasedRun& run : leased.runs) passed_.erase(run.run.id);
  last_worker_ = who.id;
}

bool LeasePlanner::GivesWay(WorkerId worker, RunId to, absl::Time now) {
  absl::MutexLock lock(&mutex_);
  std::erase_if(ways_, [&](const auto& way) {
    return now - way.second.second > kGivesWayWithin;
  });
  return ways_.try_emplace(to, worker, now).first->second.first == worker;
}

std::optional<batching::Turns> LeasePlanner::Turns() const {
  if (!options_.fair) return std::nullopt;
  absl::MutexLock lock(&mutex_);
  return batching::Turns{fair_, options_.fairness};
}

std::map<std::string, absl::Duration> LeasePlanner::Given() const {
  absl::MutexLock lock(&mutex_);
  std::map<std::string, absl::Duration> given;
  for (const auto& [owner, ms] : given_ms_) {
    given[owner] = absl::Milliseconds(ms);
  }
  return given;
}

}  // namespace sheaf::server
