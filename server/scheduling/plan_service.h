// Plans the waiting runs of a queue: reads a snapshot, makes a plan
// (batching/), stores it in slices. Works on a thread of its own, one analysis
// at a time, so that neither gRPC nor the store waits for arithmetic.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "base/runner.h"
#include "batching/continuous/turn_order.h"
#include "batching/plan/plan_page.h"
#include "batching/plan/planner.h"
#include "batching/plan/report.h"
#include "queue/plan.h"
#include "queue/store.h"
#include "server/scheduling/memory_board.h"
#include "server/scheduling/prices_board.h"
#include "server/scheduling/workers.h"

namespace sheaf::server {

// Settings of plans that take the place of the queue's own (QueueSettings has
// members of the same names).
struct PlanningSettings {
  std::optional<absl::Duration> harm_max;
  std::optional<int> waiting_percent;
  std::optional<int> knee_percent;
  std::optional<bool> across_priorities;
};

class PlanService {
 public:
  struct Question {
    std::string queue;
    batching::Mode mode = batching::Mode::kBest;
    bool greedy = false;
    batching::Signature signature = batching::Signature::kMinimal;
    int batch_size = 0;  // 0: the queue's
    PlanningSettings planning;
    bool live = false;
    bool look_only = false;            // stores nothing
    bool heuristic = false;            // the gain as the original reckoned it
    double gain_min = 1.1;             // for `worth_executing`
    CallOptions call = {.own = true};  // the asker's; `cancelled`: it has left
  };
  struct Analysis {
    std::optional<PlanRecord> plan;  // none where nothing can be batched
    std::string message;
    // The first batches, where the plan was not stored.
    std::vector<batching::WeightedBatch> batches = {};
    double speedup = 1;
    bool worth_executing = false;  // IsWorthExecuting (batching/plan/report.h)
  };
  using Done = std::function<void(absl::StatusOr<Analysis>)>;

  // The turns of owners as they are now; none where owners take no turns.
  using TurnsNow = std::function<std::optional<batching::Turns>()>;

  // Borrows the first four.
  PlanService(Store* store, const PricesBoard* prices,
              const MemoryBoard* memory, const WorkerRegistry* workers,
              TurnsNow turns)
      : store_(store),
        prices_(*prices),
        memory_(*memory),
        workers_(*workers),
        turns_(std::move(turns)) {}
  // Ends waiting questions with SERVER_STOPPING.
  ~PlanService() { Stop(); }
  void Stop();

  // Most questions of clients that may wait, of all clients and of one.
  static constexpr int kWaitingMax = 32;
  static constexpr int kWaitingOfOneMax = 8;

  // Any thread. Calls `done` on the plan service's thread, or at once where too
  // many wait (OVERLOADED). QUEUE_NOT_FOUND, QUEUE_NOT_PAUSED, CALL_CANCELLED,
  // and whatever the store says.
  void Analyze(Question question, Done done);

 private:
  struct Snapshot;
  absl::StatusOr<Analysis> AnalyzeNow(const Question& question);
  static std::string NothingToPlan(const Snapshot& snapshot);
  static void WarnOfWorkers(const Snapshot& snapshot,
                            batching::PlanReport* report);
  std::function<int(const batching::BatchKey&)> RowsMaxOf(
      const batching::RowSet& set) const;
  absl::StatusOr<Snapshot> Look(const Question& question);
  batching::PlanOptions OptionsOf(const Question& question,
                                  const Snapshot& snapshot) const;
  absl::StatusOr<PlanRecord> Keep(const Snapshot& snapshot,
                                  const batching::Plan& plan, PlanRecord record,
                                  const CallOptions& call);
  // The first batches of a plan that is not stored.
  absl::StatusOr<std::vector<batching::WeightedBatch>> FirstBatches(
      const Snapshot& snapshot, const batching::Plan& plan);

  Store* const store_;
  const PricesBoard& prices_;
  const MemoryBoard& memory_;
  const WorkerRegistry& workers_;
  const TurnsNow turns_;
  // Counts a client's question in; false where it would be one too many.
  bool Enter(const CallOptions& call);
  void Leave(const CallOptions& call);

  std::atomic<bool> stopping_ = false;
  absl::Mutex mutex_;
  // Questions that wait or are answered, by group of callers.
  std::map<std::string, int> waiting_ ABSL_GUARDED_BY(mutex_);
  int all_waiting_ ABSL_GUARDED_BY(mutex_) = 0;
  Runner runner_;
};

}  // namespace sheaf::server
