// Ends what runs on a connection after so much of its thread's processor time:
// other threads' work on a busy machine does not count.
#pragma once

#include <sqlite3.h>
#include <time.h>

#include "absl/time/time.h"

namespace sheaf {

class ClosureLimit {
 public:
  explicit ClosureLimit(absl::Duration most) : most_(most) {}

  void Watch(sqlite3* db) {
    sqlite3_progress_handler(db, kStepsBetweenLooks, &Look, this);
  }
  // From here on; `limited` or without an end.
  void Begin(bool limited) {
    end_ = limited ? Used() + most_ : absl::InfiniteDuration();
  }
  void End() { end_ = absl::InfiniteDuration(); }

 private:
  // Some hundred microseconds of SQLite's machine.
  static constexpr int kStepsBetweenLooks = 20'000;

  static absl::Duration Used() {
    timespec used;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
    return absl::DurationFromTimespec(used);
  }
  static int Look(void* limit) {
    const absl::Duration end = static_cast<ClosureLimit*>(limit)->end_;
    return end != absl::InfiniteDuration() && Used() > end;
  }

  const absl::Duration most_;
  absl::Duration end_ = absl::InfiniteDuration();
};

}  // namespace sheaf
