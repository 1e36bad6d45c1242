// Taking jobs in: durable, idempotent, all runs or none.
//
// The parts of a job are counted before they are made: a request of a few bytes
// may stand for gigabytes.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "queue/error.h"
#include "queue/store.h"
#include "queue/sweep.h"

namespace sheaf {

// Different lanes (models, VAEs and sizes) among the runs of one job: each of
// them is looked at by every lease while it waits.
inline constexpr size_t kLanesPerJobMax = 256;

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

struct SubmitLimits {
  int64_t job_bytes_max = 64 << 20;  // of its values, as they are stored
  // Limits for one owner: waiting runs (0: no limit), lanes where they wait.
  int64_t owner_queued_max = 0;
  int64_t owner_lanes_max = 1024;
};

// A job made ready away from the writer: sweeps expanded, seeds drawn, all
// texts encoded.
struct PreparedJob {
  NewJob job;  // its runs and its sweep are gone: they are texts now
  int run_count = 0;
  std::string payload_digest;
  std::string shared_text;
  std::vector<std::string> own_texts;  // by run; none in a rehearsal
  std::vector<Lane> lanes;             // distinct; queue and kind filled in
  std::vector<int> lane_of;            // by run, an index into `lanes`
  std::vector<std::string> artifacts;  // distinct digests it needs
  int64_t bytes = 0;                   // of all texts together
};

// Does all that needs no store. `entropy` seeds the seeds of runs that name
// none. If a sweep is laid over a single run, that run becomes part of the
// shared values, so that its prompt is stored once. A `rehearsal` checks the
// same and keeps no texts. INVALID_FIELD names every fault of the request;
// TOO_MANY_RUNS, SWEEP_MISMATCH, JOB_TOO_LARGE, TOO_MANY_LANES.
absl::StatusOr<PreparedJob> Prepare(NewJob job, uint64_t entropy,
                                    const SubmitLimits& limits = {},
                                    bool rehearsal = false);

struct Submitted {
  Job job;
  bool replayed = false;
};

// Answers what Submit would, changing nothing; the job has no id yet.
absl::StatusOr<Submitted> Rehearse(View& view, const PreparedJob& prepared,
                                   const SubmitLimits& limits = {});

// Stores the job. REQUEST_ID_REUSED for a request_id that made a job from
// another payload, REQUEST_ID_SPENT for one whose job was deleted since (within
// Maintenance::request_keep, maintain.h); QUEUE_NOT_FOUND, QUEUE_DRAINING,
// QUEUE_FULL, OWNER_QUOTA, ARTIFACT_NOT_FOUND, INVALID_FIELD.
absl::StatusOr<Submitted> Submit(Tx& tx, const PreparedJob& prepared,
                                 const SubmitLimits& limits = {});

}  // namespace sheaf
