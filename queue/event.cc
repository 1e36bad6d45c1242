#include "queue/event.h"

namespace sheaf {

int64_t BytesOf(const Event& event) {
  return static_cast<int64_t>(sizeof(Event) + event.queue.size() +
                              event.worker.size() + event.actor.size() +
                              event.reason.size() +
                              event.runs.size() * sizeof(RunChange) +
                              event.ended.size() * sizeof(JobEnd));
}

bool MakesWorkReady(const Event& event) {
  switch (event.type) {
    case EventType::kJobSubmitted:
    case EventType::kJobUpdated:
    case EventType::kQueueResumed:
    case EventType::kQueueUpdated:
      return true;
    case EventType::kRunsChanged:
      for (const RunChange& change : event.runs) {
        if (change.state == RunState::kQueued) return true;
      }
      return false;
    default:
      return false;
  }
}

bool Concerns(const Event& event, JobId job) {
  if (event.job == job) return true;
  for (const RunChange& change : event.runs) {
    if (change.run.job() == job) return true;
  }
  return false;
}

}  // namespace sheaf
