// The facts behind the statistics: what was handed out of late and how it
// ended, and counts since the server started. Kept in memory; nothing survives
// a restart.
//
// Two places feed it: the lease waiters, which alone know how long a run had
// waited, and the store's commits, which tell of every end, whatever caused it:
// a report, a lease that ran out, a cancel. Both call on the store's thread of
// answers, a lease's answer before the next commit. Whoever ends a batch has
// seen it stored, so no batch ends here before it began. Workers are told of as
// they come and go, so that the board forgets them. Owned by the server; any
// thread.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "queue/leasing/lease.h"
#include "queue/store.h"
#include "server/telemetry/stats_window.h"

namespace sheaf::server {

// Times that are only added up, in milliseconds.
struct TimeSum {
  int64_t count = 0;
  int64_t sum = 0;
  void Add(int64_t time) {
    ++count;
    sum += time;
  }
  bool operator==(const TimeSum&) const = default;
};

// The work that was handed out since the start.
struct WorkTotals {
  int64_t batches = 0;
  int64_t batched_runs = 0;  // in those
  TimeSum wait;
  TimeSum generation;  // of runs that succeeded
  bool operator==(const WorkTotals&) const = default;
};

class StatsBoard {
 public:
  struct Options {
    size_t notes_max = 262'144;  // of each kind; 24 MiB in all
    absl::Duration window_max = absl::Hours(1);
    // Devices whose totals are kept when their last worker leaves.
    size_t devices_max = 256;
  };
  // Since the start.
  struct Totals {
    RunCounts runs;  // that ended
    int64_t jobs_submitted = 0;
    RunCounts jobs;         // that ended
    int64_t depth_max = 0;  // runs that waited at once
    absl::Time depth_max_time = absl::InfinitePast();
    WorkTotals work;
  };
  struct Recalled {
    Figures figures;
    absl::Time since;  // how far back the figures really reach
    Totals total;
    std::map<std::string, Totals> queues;
    std::map<WorkerId, WorkTotals> workers;     // that are here
    std::map<std::string, WorkTotals> devices;  // by identity
  };

  StatsBoard() : StatsBoard(Options()) {}
  explicit StatsBoard(Options options) : options_(options) {}

  // Takes what the store holds when the server starts. Call it first.
  void Start(const std::vector<Queue>& queues,
             const std::vector<Batch>& batches, absl::Time now);
  // A worker has come; its devices have these identities.
  void NoteJoined(WorkerId worker, std::vector<std::string> devices);
  // It has gone, and its leases have ended. Its work stays in the totals of the
  // queues and of its devices.
  void NoteLeft(WorkerId worker);
  void NoteLease(const Leased& leased);
  void NoteCommit(const Committed& committed, absl::Time now);

  // The last `window`, or as much of it as is remembered: never more than
  // window_max, nor from before the start.
  Recalled Recall(absl::Duration window, absl::Time now) const;

 private:
  struct Track {
    int32_t number = 0;
    int64_t depth = 0;
    Totals totals;
  };
  struct Held {
    BatchNote note;
    int runs = 0;  // still in it
  };
  struct Member {
    std::vector<std::string> devices;
    WorkTotals totals;
  };
  struct Device {
    int workers = 0;  // that are here
    WorkTotals totals;
  };

  Track& TrackOf(const std::string& queue)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void NoteDepth(const Queue& queue, absl::Time now)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void NoteEvent(const Event& event) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void NoteChanges(const Event& event) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Hold(const Batch& batch) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // All the totals that the work of `worker` for a queue adds to.
  std::vector<WorkTotals*> TotalsOf(Track& track, WorkerId worker)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  template <class Note>
  void Keep(std::deque<Note>* notes, const Note& note, int64_t time)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const Options options_;
  mutable absl::Mutex mutex_;
  std::deque<StartNote> starts_ ABSL_GUARDED_BY(mutex_);
  std::deque<EndNote> ends_ ABSL_GUARDED_BY(mutex_);
  std::deque<BatchNote> batches_ ABSL_GUARDED_BY(mutex_);  // ended
  std::map<BatchId, Held> held_ ABSL_GUARDED_BY(mutex_);
  std::map<std::string, Track> tracks_ ABSL_GUARDED_BY(mutex_);
  std::map<WorkerId, Member> workers_ ABSL_GUARDED_BY(mutex_);
  std::map<std::string, Device> devices_ ABSL_GUARDED_BY(mutex_);
  Totals total_ ABSL_GUARDED_BY(mutex_);
  int64_t depth_ ABSL_GUARDED_BY(mutex_) = 0;
  int32_t last_number_ ABSL_GUARDED_BY(mutex_) = 0;
  // All that happened after this is remembered.
  int64_t reaches_to_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace sheaf::server
