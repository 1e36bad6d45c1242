// A stored plan: which waiting runs of a queue shall go through the model
// together. Values.
//
// A plan changes no run. It lies beside them, and takes effect when its queue
// names it: from then on a worker that leases the first run of one of its
// batches gets the others with it, as far as they still wait. So executing a
// plan of a million runs is one small write, and so is undoing it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "queue/types.h"

namespace sheaf {

enum class PlanState {
  kStoring = 1,   // not whole yet
  kReady = 2,     // may be executed
  kActive = 3,    // its queue goes by it
  kReplaced = 4,  // another was executed after it
  kUndone = 5,
};

struct PlanRecord {
  PlanId id;
  std::string queue;
  PlanState state = PlanState::kStoring;
  bool live = false;      // may be executed though the queue went on
  int64_t revision = 0;   // of the queue when it was looked at
  int64_t sequence = 0;   // the newest event then
  int64_t run_count = 0;  // in its batches
  int64_t job_count = 0;
  int64_t batch_count = 0;
  std::string mode;
  std::string report = "{}";  // JSON object, to be shown
  std::string preview;        // text for people
  std::string request_id;     // by which it was executed
  PlanId former;              // active before this one was executed
  absl::Time create_time = absl::InfinitePast();
  absl::Time expire_time = absl::InfinitePast();
  absl::Time execute_time = absl::InfinitePast();
  absl::Time start_time = absl::InfinitePast();  // of its first batch
  int64_t next_batch = 1;  // all batches before it have been handed out
  bool operator==(const PlanRecord&) const = default;
};

struct PlanBatch {
  PlanId plan;
  int64_t number = 0;       // from 1, in the order to run them
  std::vector<RunId> runs;  // in batch order
  std::string info = "{}";  // JSON object: what it is, and why
  absl::Duration predicted;
  std::optional<absl::Duration> actual;  // once it has run as planned
  bool operator==(const PlanBatch&) const = default;
};

// Totals of the batches of a plan that have run as planned.
struct PlanTimes {
  int64_t batches = 0;
  absl::Duration predicted;
  absl::Duration actual;
  bool operator==(const PlanTimes&) const = default;
};

// "plans/7/batches/1"
std::string NameOf(const PlanBatch& batch);

}  // namespace sheaf
