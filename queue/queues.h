// Queues: making, changing, pausing, draining, emptying them.
#pragma once

#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "queue/error.h"
#include "queue/queue_settings.h"
#include "queue/store.h"

namespace sheaf {

inline constexpr char kDefaultQueue[] = "default";

// Every server has queues/default; makes it, with these settings, where it is
// missing.
void EnsureDefaultQueue(Tx& tx, const QueueSettings& settings = {});

absl::StatusOr<Queue> FindQueueOrError(QueueReads& queues,
                                       const std::string& name);

// Every lease looks at all queues, and everyone may make some.
inline constexpr size_t kQueuesMax = 1024;

// QUEUE_EXISTS, TOO_MANY_QUEUES
absl::StatusOr<Queue> CreateQueue(Tx& tx, const std::string& name,
                                  const QueueSettings& settings);

// QUEUE_NOT_FOUND, ETAG_MISMATCH (0: any version)
absl::StatusOr<Queue> UpdateQueue(Tx& tx, const std::string& name,
                                  const QueuePatch& patch, int64_t version);

// QUEUE_NOT_FOUND, QUEUE_NOT_EMPTY, QUEUE_IS_DEFAULT
absl::Status DeleteQueue(Tx& tx, const std::string& name);

struct Pause {
  std::string reason;
  std::string actor;
  absl::Time resume_time = absl::InfiniteFuture();
  PauseMode mode = PauseMode::kAfterBatch;
};
// Pausing a paused queue replaces reason, mode and time.
absl::StatusOr<Queue> PauseQueue(Tx& tx, const std::string& name,
                                 const Pause& pause);
// Ends a pause or a drain. QUEUE_NOT_PAUSED where there is none.
absl::StatusOr<Queue> ResumeQueue(Tx& tx, const std::string& name,
                                  const std::string& actor);
// The end of a pause whose resume_time has come.
Queue ResumeByTime(Tx& tx, Queue queue);
absl::StatusOr<Queue> DrainQueue(Tx& tx, const std::string& name,
                                 const std::string& reason,
                                 const std::string& actor);

// Cancels waiting runs of the queue, `limit` at most; answers how many. Call
// until it answers 0.
absl::StatusOr<int> PurgeSome(Tx& tx, const std::string& name,
                              const std::string& actor, int limit);

}  // namespace sheaf
