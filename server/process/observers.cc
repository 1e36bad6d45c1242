#include "server/process/observers.h"

#include <algorithm>

#include "server/use_cases/run_checkpoints.h"

namespace sheaf::server {
namespace {

// Stores how long a batch of a plan took, in a write of its own: the boards
// must not keep the commit's callers waiting.
void KeepPlanTime(Store& store, const EndedBatch& batch) {
  store.Write(
      [plan = batch.plan, number = batch.plan_batch,
       actual = batch.actual](Tx& tx) {
        tx.SavePlanBatchTime(plan, number, actual);
        return absl::OkStatus();
      },
      [](const absl::Status&) {});
}

void NoteBatches(const Observing& parts, const Committed& committed,
                 absl::Time now) {
  const BatchEnds ends = parts.under_way->NoteCommit(committed, now);
  for (const auto& [worker, counts] : ends.workers) {
    parts.workers->CountRuns(worker, counts.succeeded, counts.failed);
  }
  for (const EndedBatch& batch : ends.batches) {
    parts.memory->Learn(batch.prediction.kind, batch.device_bytes,
                        batch.memory);
    if (!batch.tells) continue;
    parts.prices->Learn(batch.prediction, batch.actual);
    if (batch.plan) KeepPlanTime(*parts.store, batch);
  }
}

// Whether a running run ended, so that an owner at their limit has room again.
bool FreesOwners(const Committed& committed) {
  return std::any_of(committed.events.begin(), committed.events.end(),
                     [](const Event& event) {
                       return event.type == EventType::kRunsChanged &&
                              static_cast<bool>(event.batch);
                     });
}

}  // namespace

std::vector<CommitObserver> ObserversOf(const Observing& parts) {
  return {
      [stats = parts.stats](const Committed& committed, absl::Time now) {
        stats->NoteCommit(committed, now);
      },
      [progress = parts.progress](const Committed& committed, absl::Time) {
        progress->NoteCommit(committed);
      },
      [previews = parts.previews](const Committed& committed, absl::Time) {
        previews->NoteCommit(committed);
      },
      [throughput = parts.throughput](const Committed& committed,
                                      absl::Time now) {
        throughput->NoteCommit(committed, now);
      },
      [parts](const Committed& committed, absl::Time now) {
        NoteBatches(parts, committed, now);
      },
      [checkpoints = parts.checkpoints, files = parts.files](
          const Committed& committed, absl::Time) {
        RemoveEnded(checkpoints, files, committed);
      },
      [events = parts.events](const Committed& committed, absl::Time) {
        events->Committed(committed.last_sequence);
      },
      [arrivals = parts.arrivals](const Committed& committed, absl::Time now) {
        arrivals->NoteCommit(committed, now);
      },
      [parts](const Committed& committed, absl::Time) {
        parts.auto_planner->NoteCommit(committed);
      },
      [parts](const Committed& committed, absl::Time) {
        parts.lease_waiters->NoteCommit(committed);
        if (parts.owners_are_limited && FreesOwners(committed)) {
          parts.lease_waiters->Signal();
        }
      },
  };
}

}  // namespace sheaf::server
