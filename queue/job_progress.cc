#include "queue/job_progress.h"

#include <algorithm>

#include "queue/rows/broken_row.h"

namespace sheaf {
namespace {

absl::Duration KeepFor(const QueueSettings& keep, const RunCounts& counts) {
  switch (StateOf(counts)) {
    case JobState::kFailed:
      return keep.keep_failed;
    case JobState::kCancelled:
      return keep.keep_cancelled;
    default:
      return keep.keep_succeeded;
  }
}

}  // namespace

JobProgress Advance(JobProgress progress, const RunCounts& delta,
                    const QueueSettings& keep, absl::Time now) {
  RunCounts& counts = progress.counts;
  counts += delta;
  if (std::min({counts.queued, counts.running, counts.succeeded, counts.failed,
                counts.cancelled}) < 0) {
    throw BrokenRow("a job would count less than nothing");
  }
  ++progress.version;
  const bool started = progress.start_time != absl::InfinitePast();
  if (!started && counts.running > 0) progress.start_time = now;
  const bool ended = progress.end_time != absl::InfiniteFuture();
  if (counts.live() > 0) {
    progress.end_time = absl::InfiniteFuture();
    progress.expire_time = absl::InfiniteFuture();
  } else if (!ended) {
    progress.end_time = now;
    progress.expire_time = now + KeepFor(keep, counts);
  }
  return progress;
}

}  // namespace sheaf
