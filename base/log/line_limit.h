// Bounds what others can make this program write into its log: one line of a
// kind in a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"

namespace sheaf {

// Any thread.
class LineLimit {
 public:
  // Lets a line of each kind pass every `interval`. Only `kinds_max` kinds are
  // told apart; the others count as one.
  explicit LineLimit(absl::Duration interval = absl::Seconds(1),
                     size_t kinds_max = 1024)
      : interval_(interval), kinds_max_(kinds_max) {}

  // Whether a line of this kind may be written now: then the number of lines
  // that were left out since the last one, otherwise nothing.
  std::optional<int64_t> Take(const std::string& kind, absl::Time now);

 private:
  struct Kind {
    absl::Time next = absl::InfinitePast();
    int64_t left_out = 0;
  };

  const absl::Duration interval_;
  const size_t kinds_max_;
  absl::Mutex mutex_;
  absl::flat_hash_map<std::string, Kind> kinds_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace sheaf
