// The progress of running runs and of the batches that make them: known while
// they run, stored nowhere.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "queue/store.h"

namespace sheaf::server {

// How far a batch has come since the server started.
struct BatchProgress {
  BatchId id;
  int running = 0;  // its runs that have not ended
  int succeeded = 0;
  int failed = 0;            // also those that are tried again
  int64_t memory_bytes = 0;  // the most that it has held; 0: not known
  bool operator==(const BatchProgress&) const = default;
};

struct StepProgress {
  int step = 0;
  int step_count = 0;
  absl::Time begin_time;  // when the first step was reported
  int begin_step = 0;
  absl::Time update_time;
  int preview_step = 0;  // The newest preview's; 0: none. For others to fill.
  BatchProgress batch;   // that makes the run

  // The time at which the run should be done, at the throughput seen so far;
  // infinite where unknown.
  absl::Time Eta() const;
};

// Any thread.
class ProgressBoard {
 public:
  // Takes the batches that the store holds when the server starts. Call it
  // first.
  void Start(const std::vector<Batch>& batches);
  // Notes what a run's worker reports. It comes before the commit that ends the
  // run, and may be told twice; so may the memory that a batch holds.
  StepProgress Note(RunId run, BatchId batch, int step, int step_count,
                    absl::Time now);
  void NoteMemory(BatchId batch, int64_t bytes);
  std::optional<StepProgress> Find(RunId run) const;
  // Forgets the runs that the commit started or ended, and the batches whose
  // last run has ended.
  void NoteCommit(const Committed& committed);

 private:
  // Adds the run's batch as it is by now.
  StepProgress Whole(StepProgress progress) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void NoteChanges(const Event& event) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  mutable absl::Mutex mutex_;
  std::map<RunId, StepProgress> runs_ ABSL_GUARDED_BY(mutex_);
  std::map<BatchId, BatchProgress> batches_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace sheaf::server
