#include "queue/queues.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "queue/run_changes.h"

namespace sheaf {
namespace {

// Stores the queue as changed and says so.
Queue Change(Tx& tx, Queue queue, Event event) {
  ++queue.version;
  tx.SaveQueue(queue);
  event.queue = queue.name;
  event.actor = queue.actor;
  event.reason = queue.reason;
  tx.AppendEvent(std::move(event));
  return queue;
}

Queue ToActive(Tx& tx, Queue queue, const std::string& actor,
               const std::string& reason) {
  queue.state = QueueState::kActive;
  queue.pause_mode = PauseMode::kAfterBatch;
  queue.pause_time = absl::InfinitePast();
  queue.resume_time = absl::InfiniteFuture();
  queue.actor = actor;
  queue.reason = reason;
  queue = Change(tx, std::move(queue), {.type = EventType::kQueueResumed});
  queue.actor.clear();
  queue.reason.clear();
  tx.SaveQueue(queue);
  return queue;
}

// Looks at the runs themselves, since counts may be wrong. If a queue went
// while workers hold runs of it, those runs could never end.
bool HoldsRuns(View& view, const std::string& name) {
  const std::vector<LeaseKey> leases = view.Leases(absl::InfiniteFuture());
  bool holds =
      std::any_of(leases.begin(), leases.end(),
                  [&](const LeaseKey& lease) { return lease.queue == name; });
  view.ForEachLane([&](const Lane& lane, const Run&) {
    holds = holds || lane.queue == name;
    return !holds;
  });
  return holds;
}

}  // namespace

void EnsureDefaultQueue(Tx& tx, const QueueSettings& settings) {
  if (!tx.FindQueue(kDefaultQueue)) {
    (void)CreateQueue(tx, kDefaultQueue, settings);
  }
}

absl::StatusOr<Queue> FindQueueOrError(QueueReads& queues,
                                       const std::string& name) {
  std::optional<Queue> queue = queues.FindQueue(name);
  if (queue) return *std::move(queue);
  return WithSubject(
      Error(Reason::kQueueNotFound, absl::StrCat("there is no queues/", name)),
      absl::StrCat("queues/", name));
}

absl::StatusOr<Queue> CreateQueue(Tx& tx, const std::string& name,
                                  const QueueSettings& settings) {
  if (tx.FindQueue(name)) {
    return Error(Reason::kQueueExists,
                 absl::StrCat("queues/", name, " exists already"));
  }
  if (tx.Queues().size() >= kQueuesMax) {
    return Error(Reason::kTooManyQueues,
                 absl::StrCat("there are ", kQueuesMax, " queues already"));
  }
  Queue queue;
  queue.name = name;
  queue.settings = settings;
  queue.create_time = tx.now();
  tx.SaveQueue(queue);
  tx.AppendEvent({.type = EventType::kQueueCreated, .queue = name});
  return queue;
}

absl::StatusOr<Queue> UpdateQueue(Tx& tx, const std::string& name,
                                  const QueuePatch& patch, int64_t version) {
  SHEAF_ASSIGN_OR_RETURN(Queue queue, FindQueueOrError(tx, name));
  if (version != 0 && version != queue.version) {
    return WithMetadata(
        Error(Reason::kEtagMismatch,
              absl::StrCat("queues/", name, " has changed meanwhile")),
        "currentEtag", absl::StrCat(queue.version));
  }
  patch.ApplyTo(&queue.settings);
  ++queue.revision;  // a plan made with the old settings is stale
  return Change(tx, std::move(queue), {.type = EventType::kQueueUpdated});
}

absl::Status DeleteQueue(Tx& tx, const std::string& name) {
  SHEAF_ASSIGN_OR_RETURN(const Queue queue, FindQueueOrError(tx, name));
  if (name == kDefaultQueue) {
    return Error(Reason::kQueueIsDefault, "queues/default cannot be deleted");
  }
  if (queue.queued + queue.running > 0) {
    return Error(
        Reason::kQueueNotEmpty,
        absl::StrCat("queues/", name, " holds ", queue.queued + queue.running,
                     " unfinished runs"));
  }
  if (HoldsRuns(tx, name)) {
    return Error(Reason::kQueueNotEmpty,
                 absl::StrCat("queues/", name,
                              " holds unfinished runs that its counts do not "
                              "show; `sheafd repair` recounts them"));
  }
  tx.DeleteQueue(name);
  tx.AppendEvent({.type = EventType::kQueueDeleted, .queue = name});
  return absl::OkStatus();
}

absl::StatusOr<Queue> PauseQueue(Tx& tx, const std::string& name,
                                 const Pause& pause) {
  SHEAF_ASSIGN_OR_RETURN(Queue queue, FindQueueOrError(tx, name));
  if (pause.resume_time <= tx.now()) {
    return InvalidArgument({{"resume_time", "must lie in the future"}});
  }
  queue.state = QueueState::kPaused;
  queue.pause_mode = pause.mode;
  queue.pause_time = tx.now();
  queue.resume_time = pause.resume_time;
  queue.reason = pause.reason;
  queue.actor = pause.actor;
  return Change(tx, std::move(queue), {.type = EventType::kQueuePaused});
}

absl::StatusOr<Queue> ResumeQueue(Tx& tx, const std::string& name,
                                  const std::string& actor) {
  SHEAF_ASSIGN_OR_RETURN(Queue queue, FindQueueOrError(tx, name));
  if (queue.state == QueueState::kActive) {
    return WithSubject(
        Error(Reason::kQueueNotPaused,
              absl::StrCat("queues/", name, " is neither paused nor draining")),
        absl::StrCat("queues/", name));
  }
  return ToActive(tx, std::move(queue), actor, "");
}

Queue ResumeByTime(Tx& tx, Queue queue) {
  return ToActive(tx, std::move(queue), "", "its resume_time has come");
}

absl::StatusOr<Queue> DrainQueue(Tx& tx, const std::string& name,
                                 const std::string& reason,
                                 const std::string& actor) {
  SHEAF_ASSIGN_OR_RETURN(Queue queue, FindQueueOrError(tx, name));
  queue.state = QueueState::kDraining;
  queue.pause_mode = PauseMode::kAfterBatch;
  queue.pause_time = tx.now();
  queue.resume_time = absl::InfiniteFuture();
  queue.reason = reason;
  queue.actor = actor;
  return Change(tx, std::move(queue), {.type = EventType::kQueueDraining});
}

absl::StatusOr<int> PurgeSome(Tx& tx, const std::string& name,
                              const std::string& actor, int limit) {
  SHEAF_RETURN_IF_ERROR(FindQueueOrError(tx, name).status());
  RunChanges changes(tx, name);
  int count = 0;
  std::vector<LaneId> lanes;  // no more than there are runs to cancel
  tx.ForEachLane([&](const Lane& lane, const Run&) {
    if (lane.queue == name) lanes.push_back(lane.id);
    return static_cast<int>(lanes.size()) < limit;
  });
  for (const LaneId lane : lanes) {
    if (count >= limit) break;
    for (Run& run : tx.Ready(lane, Priority::kUrgent, limit - count)) {
      changes.Move(run, RunState::kCancelled);
      ++count;
    }
  }
  changes.Commit({.type = EventType::kRunsChanged,
                  .actor = actor,
                  .reason = "the queue was purged"});
  return count;
}

}  // namespace sheaf
