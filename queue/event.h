// Events in order: one value per outbox row.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "queue/types.h"

namespace sheaf {

enum class EventType {
  kJobSubmitted = 1,
  kJobUpdated = 2,
  kJobDeleted = 3,
  kRunsStarted = 4,
  kRunsChanged = 5,
  kCancelRequested = 6,
  kQueueCreated = 7,
  kQueueUpdated = 8,
  kQueueDeleted = 9,
  kQueuePaused = 10,
  kQueueResumed = 11,
  kQueueDraining = 12,
  kWorkerJoined = 13,
  kWorkerLeft = 14,
  kWorkerDraining = 15,
  kPlanExecuted = 16,
  kPlanUndone = 17,
};

struct RunChange {
  RunId run;
  RunState state = RunState::kQueued;
  int attempt = 0;
  std::optional<ErrorClass> error_class;
  bool operator==(const RunChange&) const = default;
};

struct JobEnd {
  JobId job;
  JobState state = JobState::kSucceeded;
  bool operator==(const JobEnd&) const = default;
};

struct Event {
  int64_t sequence = 0;  // given by the store
  absl::Time time;       // given by the store
  EventType type = EventType::kJobSubmitted;
  std::string queue;
  JobId job;  // where it is about one
  BatchId batch;
  std::string worker;
  std::vector<RunChange> runs;
  std::vector<JobEnd> ended;
  std::string actor;
  std::string reason;
  bool operator==(const Event&) const = default;
};

// The most runs, and ended jobs, that one event names. A larger change makes
// several events, one after another.
inline constexpr size_t kRunsPerEventMax = 1000;

// About the bytes that the event takes in memory, and those of a page of them.
inline constexpr int64_t kEventPageBytes = 256 << 10;
int64_t BytesOf(const Event& event);

// The last event that goes where those through `through` are to be removed: the
// newest stays, so that only a store that never had an event is without one.
inline int64_t LastTrimmed(int64_t through, int64_t newest) {
  return std::min(through, newest - 1);
}

// Whether runs that waited before may be handed out after this.
bool OpensQueue(const Event& event);

// Whether the event concerns the job at all.
bool Concerns(const Event& event, JobId job);

}  // namespace sheaf
