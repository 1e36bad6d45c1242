// Ends work on a connection that takes too much of its thread's processor time:
// other threads' work on a busy machine does not count. Work that ends before
// the first look costs nothing.
#pragma once

#include <sqlite3.h>
#include <time.h>

#include <optional>

#include "absl/time/time.h"

namespace sheaf {

class ClosureLimit {
 public:
  explicit ClosureLimit(absl::Duration most) : most_(most) {}

  void Watch(sqlite3* db) {
    sqlite3_progress_handler(db, kStepsBetweenLooks, &Look, this);
  }
  // Starts to count, until End; there is a limit only if `limited`.
  void Begin(bool limited) {
    limited_ = limited;
    end_.reset();
  }
  void End() { limited_ = false; }

 private:
  // Some hundred microseconds of SQLite's machine.
  static constexpr int kStepsBetweenLooks = 20'000;

  static absl::Duration Used() {
    timespec used;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
    return absl::DurationFromTimespec(used);
  }
  static int Look(void* limit) {
    return static_cast<ClosureLimit*>(limit)->IsOver();
  }
  bool IsOver() {
    if (!limited_) return false;
    if (end_) return Used() > *end_;
    end_ = Used() + most_;
    return false;
  }

  const absl::Duration most_;
  bool limited_ = false;
  std::optional<absl::Duration> end_;  // known from the first look on
};

}  // namespace sheaf
