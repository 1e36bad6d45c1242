#include "queue/maintain.h"

#include <algorithm>
#include <optional>

#include "queue/lease.h"
#include "queue/plans.h"
#include "queue/queues.h"

namespace sheaf {
namespace {

int DeleteExpired(Tx& tx, int limit) {
  const std::vector<JobId> expired = tx.Expired(tx.now(), limit);
  for (JobId id : expired) {
    const std::optional<Job> job = tx.FindJob(id);
    if (!job) continue;
    tx.DeleteJob(id);
    tx.AppendEvent({.type = EventType::kJobDeleted,
                    .queue = job->queue,
                    .job = id,
                    .reason = "its retention is over"});
  }
  return static_cast<int>(expired.size());
}

// A slice at a time, so that a long outbox is not trimmed in one stroke.
bool TrimSome(Tx& tx, const Upkeep& upkeep) {
  const int64_t keep_after = tx.LastSequence() - upkeep.events_max;
  const int64_t first = tx.FirstSequence();
  if (keep_after < first + upkeep.step) return false;
  const int64_t through = std::min(keep_after, first + 20 * upkeep.step);
  tx.TrimEvents(through);
  return through < keep_after;
}

}  // namespace

bool Maintain(Tx& tx, const Upkeep& upkeep) {
  ExpireLeases(tx);
  for (const Queue& queue : tx.Queues()) {
    if (queue.state == QueueState::kPaused && queue.resume_time <= tx.now()) {
      ResumeByTime(tx, queue);
    }
  }
  const bool late = FailLate(tx, upkeep.step) == upkeep.step;
  const bool expired = DeleteExpired(tx, upkeep.step) == upkeep.step;
  const bool trimmed = TrimSome(tx, upkeep);
  const bool plans = DeleteExpiredPlans(tx, upkeep.step);
  return late || expired || trimmed || plans;
}

}  // namespace sheaf
