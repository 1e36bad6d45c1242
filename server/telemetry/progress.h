// The progress of running runs: known while they run, stored nowhere.
#pragma once

#include <map>
#include <optional>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "queue/store.h"

namespace sheaf::server {

struct StepProgress {
  int step = 0;
  int step_count = 0;
  absl::Time begin_time;  // when the first step was reported
  int begin_step = 0;
  absl::Time update_time;
  int preview_step = 0;  // The newest preview's; 0: none. For others to fill.

  // The time at which the run should be done, at the throughput seen so far;
  // infinite where unknown.
  absl::Time Eta() const;
};

// Any thread.
class ProgressBoard {
 public:
  // Notes what a run's worker reports. It comes before the commit that ends the
  // run, and may be told twice.
  StepProgress Note(RunId run, int step, int step_count, absl::Time now);
  std::optional<StepProgress> Find(RunId run) const;
  // Forgets the runs that the commit started or ended.
  void NoteCommit(const Committed& committed);

 private:
  mutable absl::Mutex mutex_;
  std::map<RunId, StepProgress> runs_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace sheaf::server
