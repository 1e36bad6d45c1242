// The server's clock: the wall clock's time at the steady clock's pace.
//
// Everything the store decides by time (leases, schedules, deadlines) reads
// this clock, so that a wall clock set by hand, by NTP or by a resume from
// suspend ends no lease and starts no run by itself. It never goes backwards.
//
// Any thread. Owned by the server.
#pragma once

#include <functional>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"

namespace sheaf::server {

// Where time comes from. `steady` counts from any moment and never goes back.
struct ClockSources {
  std::function<absl::Time()> wall;
  std::function<absl::Duration()> steady;
};

ClockSources SystemClockSources();

class ServerClock {
 public:
  // Starts at the wall clock's time, or at `floor`, the newest time in the
  // database, where that is later: time that was written down has passed.
  explicit ServerClock(absl::Time floor,
                       ClockSources sources = SystemClockSources());

  // Drifts of up to two seconds are made up for a tenth faster or slower, and
  // so is a wall clock behind by more, however long that takes. A wall clock
  // ahead by more than two seconds changes nothing before AdoptStep().
  absl::Time Now();

  // By how much the wall clock is ahead where that is more than two seconds;
  // zero otherwise.
  absl::Duration StepPending();

  // Makes the pending step, if there is one, and answers how long it was. For
  // whoever renews the leases in the same write: the time skipped is time that
  // no worker had.
  absl::Duration AdoptStep();

  // What an operator should know; empty where all is well.
  std::string Problem();

 private:
  // How far the wall clock is ahead of now_, which it brings up to date.
  absl::Duration Advance() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const ClockSources sources_;
  absl::Mutex mutex_;
  absl::Time now_ ABSL_GUARDED_BY(mutex_);
  absl::Duration steady_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace sheaf::server
