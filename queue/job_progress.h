// How a job moves on when its runs do: its counts, when it began and ended, and
// when retention deletes it. One rule, which every store applies to its rows.
// Values; any thread.
#pragma once

#include <cstdint>

#include "absl/time/time.h"
#include "queue/types.h"

namespace sheaf {

// The part of a job that changes when its runs do.
struct JobProgress {
  RunCounts counts;
  absl::Time start_time = absl::InfinitePast();
  absl::Time end_time = absl::InfiniteFuture();
  absl::Time expire_time = absl::InfiniteFuture();
  int64_t version = 1;
  bool operator==(const JobProgress&) const = default;
};

// `progress` after `delta`, at `now`. BrokenRow where fewer runs than none
// would be left in a state.
JobProgress Advance(JobProgress progress, const RunCounts& delta,
                    const QueueSettings& keep, absl::Time now);

}  // namespace sheaf
