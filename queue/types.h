// The nouns of the domain (docs/architecture.md): plain values, no behaviour.
#pragma once

#include <compare>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/time/time.h"
#include "queue/params.h"
#include "queue/run_state.h"

namespace sheaf {

template <class Tag>
struct Id {
  int64_t value = 0;
  auto operator<=>(const Id&) const = default;
  explicit operator bool() const { return value != 0; }
};
using JobId = Id<struct JobTag>;
using BatchId = Id<struct BatchTag>;
using WorkerId = Id<struct WorkerTag>;
using LaneId = Id<struct LaneTag>;
using PlanId = Id<struct PlanTag>;

// The numbers of jobs, batches, workers and plans have two parts: their upper
// bits name the cell that gave them out, a store with its workers, the lower
// ones are counted. So no two cells ever give out the same number, and each
// number tells where to ask for its thing. There is one cell today: 0.
inline constexpr int kIdBits = 46;
inline constexpr int kCellBits = 10;
inline constexpr int kCountBits = kIdBits - kCellBits;
inline constexpr int64_t kCountMax = (int64_t{1} << kCountBits) - 1;

template <class Tag>
constexpr int CellOf(Id<Tag> id) {
  return static_cast<int>(id.value >> kCountBits);
}
int CellOf(LaneId) = delete;  // lanes are known to their store alone

// The number after `last` in its cell, for another `what`. BrokenRow where the
// cell has given out all of its numbers: it takes none of the next cell's.
int64_t NextInCell(int64_t last, std::string_view what);
// The number that lies `count` after `last`, or the last one of the cell.
int64_t SkipInCell(int64_t last, int64_t count);

inline constexpr int kRunsPerJobMax = 100'000;
// How many ended attempts of a run are kept, the newest: a worker may lease a
// run and give it back for ever.
inline constexpr int kAttemptsKeptMax = 100;
// The last attempt that is forgotten when `attempt` is kept; 0: none is.
constexpr int LastForgotten(int attempt) {
  return attempt > kAttemptsKeptMax ? attempt - kAttemptsKeptMax : 0;
}

// A run is named by its job and its place in it; the two packed in one number
// are its key in the store, so that a job's runs lie together, in order.
struct RunId {
  static constexpr int kIndexBits = 17;
  static_assert(kRunsPerJobMax <= (1 << kIndexBits));
  static_assert(kIdBits + kIndexBits == 63);

  int64_t value = 0;
  RunId() = default;
  explicit RunId(int64_t key) : value(key) {}
  RunId(JobId job, int index) : value((job.value << kIndexBits) | index) {}
  JobId job() const { return JobId{value >> kIndexBits}; }
  int index() const { return value & ((1 << kIndexBits) - 1); }
  auto operator<=>(const RunId&) const = default;
};

enum class Priority { kLow = 1, kNormal = 2, kHigh = 3, kUrgent = 4 };

enum class ErrorClass {
  kTransient = 1,
  kOutOfMemory = 2,
  kWorkerDied = 3,
  kBadInput = 4,
  kEngine = 5,
  kDeadline = 6,
  kCrashLoop = 7,
};

struct RunError {
  ErrorClass error_class = ErrorClass::kTransient;
  std::string message;
  bool operator==(const RunError&) const = default;
};

struct Output {
  std::string artifact;  // digest
  std::string name;
  std::string media_type;
  bool operator==(const Output&) const = default;
};

// The values that must be equal for runs to go through a model together, the
// queue in which they wait, and their owner. Runs wait in lanes, so that a
// worker that cannot serve one model never has to look past a million runs of
// it, and no owner stands behind a million runs of another.
struct Lane {
  LaneId id;
  std::string queue;
  std::string owner;
  std::string kind;
  std::string model;
  std::string vae;
  int64_t width = 0;
  int64_t height = 0;
};

struct Run {
  RunId id;
  LaneId lane;
  RunState state = RunState::kQueued;
  Priority priority = Priority::kNormal;
  absl::Time run_time;                                 // not before
  absl::Time start_deadline = absl::InfiniteFuture();  // fails if later
  int attempts_max = 3;
  int attempt = 0;     // leases so far
  int failures = 0;    // of those, the ones that count against attempts_max
  int crashes = 0;     // of those, the ones in which the worker died
  bool alone = false;  // an attempt ran out of memory or died
  bool cancel_requested = false;
  // The lease of the present attempt, or of the last one.
  BatchId batch;
  int64_t epoch = 0;
  // MarkOf its LeaseClaim (queue/leasing/lease_claim.h); 0: none.
  int64_t hold = 0;
  std::string worker;
  absl::Time start_time = absl::InfinitePast();
  absl::Time end_time = absl::InfinitePast();
  std::optional<RunError> error;
  std::vector<Output> outputs;
  bool operator==(const Run&) const = default;
};

// One ended try at a run, kept when the next one begins.
struct Attempt {
  RunId run;
  int attempt = 0;
  std::string worker;
  BatchId batch;
  int64_t epoch = 0;
  absl::Time start_time;
  absl::Time end_time;
  RunState outcome = RunState::kFailed;  // kQueued: handed back, no fault
  std::optional<RunError> error;
  bool operator==(const Attempt&) const = default;
};

// Derived from the runs of the job; the states of runs, by the same numbers.
enum class JobState {
  kQueued = 1,
  kRunning = 2,
  kSucceeded = 3,
  kFailed = 4,
  kCancelled = 5,
};
JobState StateOf(const RunCounts& counts);

struct Job {
  JobId id;
  std::string queue;
  std::string kind;
  Priority priority = Priority::kNormal;
  std::string owner;
  std::map<std::string, std::string> labels;
  std::string request_id;
  std::string payload_digest;  // of the submit, where request_id is set
  int run_count = 0;
  int attempts_max = 3;
  RunCounts counts;
  absl::Time create_time;
  absl::Time run_time;
  absl::Time start_deadline = absl::InfiniteFuture();
  absl::Time start_time = absl::InfinitePast();     // of its first run
  absl::Time end_time = absl::InfiniteFuture();     // of its last run
  absl::Time expire_time = absl::InfiniteFuture();  // retention deletes it
  int64_t version = 1;  // counts its changes; the etag
  bool operator==(const Job&) const = default;
};

enum class QueueState { kActive = 1, kPaused = 2, kDraining = 3 };
enum class PauseMode { kAfterBatch = 1, kNextStep = 2 };

// How runs that are in no plan are batched.
enum class BatchPolicy {
  kOff = 1,       // job by job
  kAdaptive = 2,  // across jobs, waiting for more while few are queued
  kEconomic = 3,  // across jobs, waiting while that saves more than it costs
  kAuto = 4,      // job by job, and by plans that the server makes itself
};

struct QueueSettings {
  int batch_size = 4;
  int attempts_max = 3;
  int64_t runs_max = 0;  // 0: no limit
  // How long ended jobs are kept; infinite: for ever.
  absl::Duration keep_succeeded = absl::Hours(7 * 24);
  absl::Duration keep_failed = absl::Hours(30 * 24);
  absl::Duration keep_cancelled = absl::Hours(7 * 24);
  BatchPolicy policy = BatchPolicy::kEconomic;
  int batch_min = 1;  // adaptive: fewer wait as long as they may
  absl::Duration wait_max = absl::Seconds(2);
  // Adaptive: at this depth a batch waits half as long as it may. Auto: a plan
  // is made once this many runs wait and new jobs have come.
  int threshold = 10;
  int gain_min_percent = 10;  // auto: plans that gain less are not executed
  // Where runs ask for the very same picture, one makes it for all that are
  // leased with it.
  bool twins = false;
  // Waiting runs of this priority and above take the place of lower ones.
  std::optional<Priority> preempt_from;
  absl::Duration run_duration_max = absl::InfiniteDuration();  // of an attempt
  absl::Duration wait_min = absl::ZeroDuration();              // adaptive
  // Plans: by how much a run may end later; the worth of waiting in hundredths
  // of device time; the knee at which batches end; whether priorities mix.
  absl::Duration harm_max = absl::InfiniteDuration();
  int waiting_percent = 0;
  int knee_percent = 0;  // 0: batches do not end there
  bool across_priorities = false;
  bool operator==(const QueueSettings&) const = default;
};

struct Queue {
  std::string name;
  QueueState state = QueueState::kActive;
  PauseMode pause_mode = PauseMode::kAfterBatch;
  QueueSettings settings;
  int64_t revision = 0;  // counts changes to what is queued
  int64_t version = 1;   // counts changes of settings and state; the etag
  absl::Time create_time;
  std::string reason;
  std::string actor;
  absl::Time pause_time = absl::InfinitePast();
  absl::Time resume_time = absl::InfiniteFuture();
  int64_t queued = 0;
  int64_t running = 0;
  PlanId plan;  // by which its waiting runs are batched; none: job by job
  bool operator==(const Queue&) const = default;
};

// Runs that a worker holds together.
struct Batch {
  BatchId id;
  std::string queue;
  WorkerId worker;
  std::string worker_name;
  int64_t epoch = 0;
  // The secret that its worker must show with every report. Bytes; only the
  // worker may know it, and no log may show it. Empty: none was given, and
  // nobody holds it.
  std::string secret;
  absl::Time lease_expire_time;
  absl::Time start_time;
  std::vector<RunId> runs;  // in batch order; those still running
  // The runs among these that no worker makes, each with the run whose picture
  // it will get, too.
  std::map<RunId, RunId> twins;
  bool operator==(const Batch&) const = default;
};

// The runs that an owner has under way.
struct OwnerCounts {
  std::string owner;
  int64_t queued = 0;
  int64_t running = 0;
  bool operator==(const OwnerCounts&) const = default;
};

struct Artifact {
  std::string digest;
  int64_t size = 0;
  std::string media_type;
  absl::Time create_time;
  bool operator==(const Artifact&) const = default;
};

// "jobs/42", "jobs/42/runs/0", "batches/7", "workers/3", "queues/default",
// "artifacts/ab...": the names of the wire. The parsers answer nullopt for
// anything else.
std::string NameOf(JobId id);
std::string NameOf(RunId id);
std::string NameOf(BatchId id);
std::string NameOf(WorkerId id);
std::string NameOf(PlanId id);
std::optional<JobId> ParseJobName(std::string_view name);
std::optional<RunId> ParseRunName(std::string_view name);
std::optional<BatchId> ParseBatchName(std::string_view name);
std::optional<WorkerId> ParseWorkerName(std::string_view name);

}  // namespace sheaf
