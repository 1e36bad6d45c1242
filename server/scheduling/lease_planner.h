// The server's LeasePolicy: decides whose turn it is, which runs go together,
// how many fit, and how many are left to idle workers. Owners take turns
// (batching/continuous/fair.h). A run prefers a worker that has its model
// loaded, and waits for the worker that the placement rule names
// (batching/continuous/placement.h), but only for a bounded time.
//
// Owned by the server. As a LeasePolicy it is called on the writer's thread;
// the rest on any.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "batching/continuous/fair.h"
#include "batching/continuous/placement.h"
#include "batching/continuous/turn_order.h"
#include "queue/leasing/lease.h"
#include "server/scheduling/arrivals.h"
#include "server/scheduling/catalog.h"
#include "server/scheduling/memory_board.h"
#include "server/scheduling/prices_board.h"
#include "server/scheduling/worker_places.h"

namespace sheaf::server {

class LeasePlanner final : public LeasePolicy {
 public:
  struct Options {
    bool fair = true;
    batching::FairOptions fairness;
    batching::PlacementRule placement =
        batching::PlacementRule::kEarliestFinish;
    // The longest that a run waits for a better worker.
    absl::Duration affinity_wait = absl::Seconds(5);
    int64_t owner_running_max = 0;  // 0: no limit
    // Splits a batch over idle workers by the times of the configured profile,
    // too; false: only by times that a worker measured.
    bool may_split = false;
  };
  // The parts that it works with; all of them outlive it.
  struct Parts {
    const PricesBoard* prices = nullptr;
    const MemoryBoard* memory = nullptr;
    WorkerPlaces* places = nullptr;
    const Arrivals* arrivals = nullptr;
    std::function<int()> count_workers;
    ModelsOf models_of;  // none: no worker tells of its models
  };
  LeasePlanner(Options options, Parts parts)
      : options_(std::move(options)),
        parts_(std::move(parts)),
        heads_([this](const std::string& owner) { return RankOf(owner); }) {}

  HeadIndex* heads() override;
  std::string LoadedModel(const Lessee& who) const override {
    return parts_.places->LoadedModel(who.id);
  }
  int64_t RunningMax(const std::string&) const override {
    return options_.owner_running_max;
  }
  Turn Next(const Lessee& who, const std::vector<LaneHead>& heads,
            absl::Time now) const override;
  Lane Spelled(const Lessee& who, const Lane& lane) const override;
  size_t CountThatMix(const Lessee& who,
                      const std::vector<LeasedRun>& runs) const override;
  int RowsMax(const Lessee& who, const RunParams& like) const override;
  size_t CountThatFit(const Lessee& who,
                      const std::vector<LeasedRun>& runs) const override;
  Choice Choose(const Queue& queue, const Lessee& who, std::vector<Line> lines,
                absl::Time now) const override;
  Terms TermsOf(const Lessee& who, const Lane& lane,
                const std::vector<LeasedRun>& runs, double predicted_ms,
                absl::Time now) const override;

  // Remembers what a look for work has noticed. Called after its commit.
  void Looked(const LeaseNotes& notes, absl::Time now);
  // Notes that a batch was handed out: its owners have had `ms` of GPU time,
  // each by their part of the runs, and the worker has the model loaded.
  void Took(const Leased& leased, const Lessee& who, double ms, absl::Time now);

  // The worker offers to hand back its batch for the sake of the waiting run
  // `to`. False where another worker has done so lately: one is enough.
  bool GivesWay(WorkerId worker, RunId to, absl::Time now);

  // The turns of owners as they are now; none if owners take no turns.
  std::optional<batching::Turns> Turns() const;

  // Predicted GPU time that owners were given since the server started.
  std::map<std::string, absl::Duration> Given() const;

 private:
  struct Passed {
    absl::Time since;
    absl::Time seen;
  };
  double RankOf(const std::string& owner) const;
  // Another worker to which the run is better left; none: this one is best.
  WorkerId BetterFor(const Lessee& who, const Lane& lane, WorkerId last,
                     absl::Time now) const;
  // How many workers may share a batch of that many runs.
  int DevicesFor(const Lessee& who, const Lane& lane, int runs) const;
  double SwapMs(const Lessee& who, const Lane& lane) const;
  std::shared_ptr<const batching::ModelTable> ModelsOn(
      const Lessee& who) const {
    return parts_.models_of ? parts_.models_of(who.id) : nullptr;
  }
  // The differences that runs like this one may have in a batch on this worker.
  batching::Capability CapabilityFor(const Lessee& who,
                                     const RunParams& like) const;
  batching::WorkerView ViewOf(const WorkerPlace& place, const Lane& lane) const;

  const Options options_;
  const Parts parts_;
  HeadIndex heads_;  // of the writer's thread

  mutable absl::Mutex mutex_;
  batching::FairState fair_ ABSL_GUARDED_BY(mutex_);
  // Owners whose ranks the index does not know yet.
  std::set<std::string> charged_ ABSL_GUARDED_BY(mutex_);
  std::map<std::string, double> given_ms_ ABSL_GUARDED_BY(mutex_);
  // Runs that were first in line and passed over: since when, and when last.
  std::map<RunId, Passed> passed_ ABSL_GUARDED_BY(mutex_);
  absl::Time sweep_time_ ABSL_GUARDED_BY(mutex_) = absl::InfinitePast();
  // The worker that gives way to each run, and since when.
  std::map<RunId, std::pair<WorkerId, absl::Time>> ways_
      ABSL_GUARDED_BY(mutex_);
  WorkerId last_worker_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace sheaf::server
