// Taking jobs in: durable, idempotent, all runs or none.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "queue/error.h"
#include "queue/store.h"

namespace sheaf {

// Runs made from lists: each axis is a list of partial requests, laid over the
// job's own runs.
struct Sweep {
  bool zip = false;  // side by side; else every combination
  std::vector<std::vector<RunParams>> axes;
};

// A job as a client describes it, its form already checked.
struct NewJob {
  std::string request_id;
  std::string queue = "default";
  std::string kind = "inference";
  Priority priority = Priority::kNormal;
  std::string owner;
  std::map<std::string, std::string> labels;
  std::optional<absl::Time> run_time;
  std::optional<absl::Time> start_deadline;
  int attempts_max = 0;  // 0: the queue's
  RunParams shared;
  std::vector<RunParams> runs;  // empty: one, all shared
  std::optional<Sweep> sweep;
};

// A job made ready away from the writer: sweeps expanded, seeds drawn, all
// texts encoded.
struct PreparedJob {
  NewJob job;
  std::string payload_digest;
  std::string shared_text;
  std::vector<std::string> own_texts;
  std::vector<Lane> lanes;             // distinct; queue and kind filled in
  std::vector<int> lane_of;            // by run, an index into `lanes`
  std::vector<std::string> artifacts;  // distinct digests it needs
};

// Lays the axes over each of `bases`. SWEEP_MISMATCH for zipped axes of
// different lengths, TOO_MANY_RUNS beyond kRunsPerJobMax.
absl::StatusOr<std::vector<RunParams>> Expand(
    const Sweep& sweep, const std::vector<RunParams>& bases);

// Does all that needs no store. `entropy` seeds the seeds of runs that name
// none. INVALID_FIELD names every fault of the request; or as Expand.
absl::StatusOr<PreparedJob> Prepare(NewJob job, uint64_t entropy);

struct Submitted {
  Job job;
  bool replayed = false;
};

// Stores the job. REQUEST_ID_REUSED, QUEUE_NOT_FOUND, QUEUE_DRAINING,
// QUEUE_FULL, OWNER_QUOTA (where the owner would have more than
// `owner_queued_max` runs waiting; 0: no limit), ARTIFACT_NOT_FOUND,
// INVALID_FIELD.
absl::StatusOr<Submitted> Submit(Tx& tx, const PreparedJob& prepared,
                                 int64_t owner_queued_max = 0);

}  // namespace sheaf
