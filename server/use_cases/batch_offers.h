// Answers workers that ask for work: with a batch, once there is one for them.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "queue/leasing/lease.h"
#include "queue/store.h"
#include "server/blobs/checkpoint_store.h"
#include "server/scheduling/batches_under_way.h"
#include "server/scheduling/lease_planner.h"
#include "server/scheduling/lease_waiters.h"
#include "server/scheduling/workers.h"

namespace sheaf::server {

// A worker's question for work.
struct WorkQuestion {
  // The batch that the runs are to join, its lease's secret, and how many rows
  // the worker steps; no batch: they begin one of their own.
  BatchId beside = {};
  std::string secret = {};
  int row_count = 0;
  absl::Duration wait;  // at the most; a minute counts for more
};

struct BatchOffer {
  std::optional<Leased> leased;  // none: nothing came
  std::vector<int> saved_steps;  // as of SavedSteps (run_checkpoints.h)
  int preview_steps = 0;
  int checkpoint_steps = 0;
  bool drain = false;      // leave once nothing is under way
  bool calibrate = false;  // measure first
};

// Borrows all its parts. Any thread.
class BatchOffers {
 public:
  struct Parts {
    Store* store = nullptr;
    WorkerRegistry* workers = nullptr;
    LeaseWaiters* lease_waiters = nullptr;
    LeasePlanner* planner = nullptr;
    BatchesUnderWay* under_way = nullptr;
    const CheckpointStore* checkpoints = nullptr;
    std::function<absl::Time()> now;
    int preview_steps = 0;
    int checkpoint_steps = 0;  // between two of a run; 0: none are made
  };
  using Answer = std::function<void(absl::StatusOr<BatchOffer>)>;

  // A question that was asked.
  class Asked {
   public:
    // The worker has gone: ends the wait. A batch that comes all the same is
    // handed back, and counts for neither its owners nor its worker.
    void Leave();

   private:
    friend class BatchOffers;
    Asked(const BatchOffers& offers, Lessee who, Answer answer)
        : offers_(offers), who_(std::move(who)), answer_(std::move(answer)) {}
    void Answered(absl::StatusOr<std::optional<Leased>> got);

    const BatchOffers& offers_;
    const Lessee who_;
    const Answer answer_;
    int64_t handle_ = 0;
    std::atomic<bool> has_left_ = false;
  };

  explicit BatchOffers(Parts parts) : parts_(std::move(parts)) {}

  // Asks in the name of `worker`. Answers once, within the call or later on a
  // thread of the store or the timer. LEASE_LOST where the worker does not hold
  // the batch that it wants joined.
  std::shared_ptr<Asked> Ask(const WorkerInfo& worker,
                             const WorkQuestion& question, Answer answer) const;

 private:
  BatchOffer OfferTo(const Lessee& who, Leased leased) const;
  void HandBack(BatchId batch) const;

  const Parts parts_;
};

}  // namespace sheaf::server
