// The batches that workers hold: whose they are, how long each was predicted to
// take, and what became of their runs. Predicts each batch as it is handed out
// and stops its clock when its last run ends, whichever way that comes about.
//
// Two places feed it: the answers to leases, which know the worker's device and
// the requests, and the store's commits, which tell of every end. Both call on
// the store's thread of answers, a lease's answer before the next commit.
// Whoever ends a batch has seen it stored, so no batch ends here before it
// began. Owned by the server; any thread.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "batching/pricing/memory.h"
#include "queue/leasing/lease.h"
#include "queue/store.h"
#include "server/scheduling/catalog.h"
#include "server/scheduling/prices_board.h"

namespace sheaf::server {

// Attempts of a worker's runs that have ended.
struct AttemptCounts {
  int64_t succeeded = 0;
  int64_t failed = 0;
  bool operator==(const AttemptCounts&) const = default;
};

// A predicted batch whose last run has ended.
struct EndedBatch {
  Prediction prediction;
  absl::Duration actual;
  // Whether its time tells anything of batches like it: all its runs ended
  // well, and it went by itself.
  bool tells = false;
  double device_bytes = 0;
  batching::BatchMemory memory;  // no rows: the worker did not report
  PlanId plan;  // the batch of a plan that it was, if it was one
  int64_t plan_batch = 0;
};

// Ends that one commit brought.
struct BatchEnds {
  std::map<WorkerId, AttemptCounts> workers;
  std::vector<EndedBatch> batches;
};

class BatchesUnderWay {
 public:
  // Borrows `prices`. `models_of`: null where no worker tells of its models.
  explicit BatchesUnderWay(PricesBoard* prices, ModelsOf models_of = nullptr)
      : prices_(*prices), models_of_(std::move(models_of)) {}

  // Takes what the store holds when the server starts. Nobody predicts these
  // batches any more. Call it first.
  void Start(const std::vector<Batch>& batches);
  // Notes that a batch was handed out to a worker. Where the worker asked
  // beside a batch, the new batch joins those that it holds; the times of
  // joined batches are not learned from, because they tell nothing of batches
  // that go by themselves. Answers the predicted milliseconds; for work that
  // nobody predicts, the recent average of the predictions for a row, for each
  // run.
  double Started(const Leased& leased, const Lessee& who, absl::Time now);
  // Milliseconds until a worker is done with the batches that it holds; late
  // batches do not count. Nothing where none counts, or where a batch is of a
  // kind of work that is not calibrated.
  std::optional<double> FreeIn(WorkerId worker, absl::Time now) const;
  // Notes the memory that the batch has held so far, as reported by the worker
  // that holds the lease. It comes before the commit that ends the batch, and
  // may be told twice.
  void Held(BatchId batch, const batching::BatchMemory& memory);
  // Takes the ends out of a commit.
  BatchEnds NoteCommit(const Committed& committed, absl::Time now);

  size_t size() const;

 private:
  struct UnderWay {
    WorkerId worker;
    int runs = 0;           // that have not ended
    std::set<RunId> twins;  // of them, or that were
    bool well = true;
    bool joined = false;  // it joined others, or others joined it
    std::optional<Prediction> prediction;
    absl::Time start_time;
    double device_bytes = 0;
    batching::BatchMemory memory;
    PlanId plan;
    int64_t plan_batch = 0;
  };

  // Nothing for work that nobody predicts.
  std::optional<Prediction> PredictionOf(const Leased& leased,
                                         const Lessee& who, absl::Time now);
  void Put(BatchId id, UnderWay batch) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  PricesBoard& prices_;
  const ModelsOf models_of_;
  mutable absl::Mutex mutex_;
  // One for each lease in the store.
  std::map<BatchId, UnderWay> under_way_ ABSL_GUARDED_BY(mutex_);
  std::map<WorkerId, std::set<BatchId>> of_worker_ ABSL_GUARDED_BY(mutex_);
  double run_ms_ ABSL_GUARDED_BY(mutex_) = 1;  // predicted for a row, of late
};

}  // namespace sheaf::server
