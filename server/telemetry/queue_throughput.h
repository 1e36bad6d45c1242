// The throughput of each queue: how long it takes, on the whole, from one
// finished run to the next, however many workers share the work. For estimates
// of when a queue will be empty; stored nowhere.
//
// Owned by the server. Any thread.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "queue/store.h"

namespace sheaf::server {

class QueueThroughput {
 public:
  // Counts the runs that ended for good in a worker's hands. Runs that ended in
  // line tell nothing of how long work takes. A queue that was deleted is
  // forgotten.
  void NoteCommit(const Committed& committed, absl::Time now);

  // Time per finished run, the last few minutes counting most. Nothing until
  // runs have finished at two different moments, nor after ten minutes in
  // which none has.
  std::optional<absl::Duration> PerRun(const std::string& queue,
                                       absl::Time now) const;

 private:
  // Time and the runs that finished in it, both fading at the same rate:
  // their quotient is the throughput.
  struct Track {
    absl::Time moment;  // when the newest group of runs began to finish
    absl::Time note_time;
    double seconds = 0;
    double runs = 0;
  };

  void Note(const std::string& queue, int finished, absl::Time now)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  mutable absl::Mutex mutex_;
  std::map<std::string, Track> tracks_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace sheaf::server
