// Work of one kind, for tests of the boards: batches of two guided runs of ten
// steps on the model "m" at 64x32.
#pragma once

#include <string>
#include <vector>

#include "batching/pricing/profile.h"
#include "batching/rows/rows.h"
#include "queue/leasing/lease.h"
#include "queue/store.h"
#include "server/scheduling/recent_kinds.h"

namespace sheaf::server {

inline const absl::Time kNow = absl::FromUnixSeconds(1'000'000);

inline const Lessee kGpu = {.device = "gpu", .device_bytes = 1000};
inline const WorkKind kKind = {"gpu", "m", 64, 32};

// Ten milliseconds a step, whatever the rows.
inline batching::Profile Flat() {
  batching::Profile profile;
  profile.name = "flat";
  profile.step = {10, 0, 0};
  return profile;
}

inline Leased BatchOf(int64_t id, const std::string& kind = "inference") {
  Leased leased;
  leased.batch.id = BatchId{id};
  leased.kind = kind;
  for (int i = 0; i < 2; ++i) {
    LeasedRun run;
    run.run.id = RunId(JobId{id}, i);
    run.run.state = RunState::kRunning;
    run.params.model = "m";
    run.params.width = 64;
    run.params.height = 32;
    run.params.steps = 10;
    leased.batch.runs.push_back(run.run.id);
    leased.runs.push_back(run);
  }
  return leased;
}

inline batching::RowSet RowsLike(const Leased& leased) {
  batching::RowSet set;
  for (LeasedRun run : leased.runs) {
    run.run.state = RunState::kQueued;
    set.Add(run.run, leased.kind, "", run.params, kNow);
  }
  return set;
}

// A commit in which runs of a batch ended so.
inline Committed EndOf(BatchId batch, const std::vector<RunChange>& runs,
                       const std::string& queue = "default") {
  Committed committed;
  Event& event = committed.events.emplace_back();
  event.type = EventType::kRunsChanged;
  event.queue = queue;
  event.batch = batch;
  event.runs = runs;
  return committed;
}

// The same, with all of its runs.
inline Committed EndOf(const Leased& leased,
                       RunState state = RunState::kSucceeded) {
  std::vector<RunChange> changes;
  for (const RunId run : leased.batch.runs) changes.push_back({run, state, 1});
  return EndOf(leased.batch.id, changes);
}

}  // namespace sheaf::server
