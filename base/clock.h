// The server's clock: the wall clock's time at the steady clock's pace.
//
// Everything the store decides by time (leases, schedules, deadlines) reads
// this clock, so that a wall clock set by hand, by NTP or by a resume from
// suspend ends no lease and starts no run by itself. While the server runs it
// never goes backwards.
//
// A wall clock that is wrong for a moment must not delete jobs whose retention
// seems over. So the server ignores a step ahead of more than an hour until it
// has stood for ten minutes, or an operator accepts it. A step that is taken
// back before then has no effect.
//
// Any thread. Owned by the server.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"

namespace sheaf {

// Where time comes from. `steady` counts from any moment and never goes back.
struct ClockSources {
  std::function<absl::Time()> wall;
  std::function<absl::Duration()> steady;
};

ClockSources SystemClockSources();

class ServerClock {
 public:
  // Starts at the wall clock's time, or at `floor`, the newest time in the
  // database, where that is later by an hour at the most: time that was written
  // down has passed. A floor further ahead was written by a wrong clock, and is
  // ignored.
  explicit ServerClock(absl::Time floor,
                       ClockSources sources = SystemClockSources());

  // Makes up for drifts of up to two seconds by running a tenth faster or
  // slower. It does the same for a wall clock behind by more, however long that
  // takes. A wall clock ahead by more than two seconds changes nothing before
  // AdoptStep().
  absl::Time Now();

  // By how much the wall clock is ahead, where that is more than two seconds
  // and to be adopted now; zero otherwise.
  absl::Duration StepPending();

  // Makes the pending step, if there is one, and answers how long it was. The
  // caller renews the leases in the same write, since no worker had the time
  // that is skipped.
  absl::Duration AdoptStep();

  // Whether this clock may end things that time alone ends (retention,
  // deadlines, pauses, plans, artifacts). False for ten minutes after a start
  // at which the wall clock was more than an hour ahead of all that is stored:
  // a machine's clock is often wrong until NTP has set it.
  bool IsSettled();

  // An operator says that the wall clock is right: IsSettled from now on, and
  // the step that it is ahead by is to be adopted at once. Answers how long
  // that is.
  absl::Duration Accept();

  // Problem tells an operator what he should know, and is empty where all is
  // well; Note tells him what he may want to know.
  std::string Problem();
  std::string Note();

 private:
  // A wall clock far ahead: by how much, and since when by that amount.
  struct Step {
    absl::Duration ahead;
    absl::Duration since;  // steady
    bool accepted = false;
  };

  // How far the wall clock is ahead of now_, which it brings up to date.
  absl::Duration Advance() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // The part of it that may be adopted.
  absl::Duration Adoptable() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const ClockSources sources_;
  absl::Mutex mutex_;
  absl::Time now_ ABSL_GUARDED_BY(mutex_);
  absl::Duration steady_ ABSL_GUARDED_BY(mutex_);
  std::optional<Step> step_ ABSL_GUARDED_BY(mutex_);
  absl::Duration settled_at_ ABSL_GUARDED_BY(mutex_);  // steady
};

}  // namespace sheaf
