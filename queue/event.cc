#include "queue/event.h"

namespace sheaf {

int64_t BytesOf(const Event& event) {
  return static_cast<int64_t>(sizeof(Event) + event.queue.size() +
                              event.worker.size() + event.actor.size() +
                              event.reason.size() +
                              event.runs.size() * sizeof(RunChange) +
                              event.ended.size() * sizeof(JobEnd));
}

bool OpensQueue(const Event& event) {
  return event.type == EventType::kQueueResumed ||
         event.type == EventType::kQueueUpdated;
}

bool Concerns(const Event& event, JobId job) {
  if (event.job == job) return true;
  for (const RunChange& change : event.runs) {
    if (change.run.job() == job) return true;
  }
  return false;
}

}  // namespace sheaf
