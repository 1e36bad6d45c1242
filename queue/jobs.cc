#include "queue/jobs.h"

#include <algorithm>
#include <tuple>

#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "queue/job_lists.h"
#include "queue/rows/broken_row.h"
#include "queue/run_changes.h"

namespace sheaf {
namespace {

constexpr int64_t kPositionMax = 100'000;
constexpr int kPlacesMax = 1000;  // looked at, of a job's waiting runs
constexpr int kPage = 1000;
// Where runs wait in more lanes, no job is told its position: it would take
// too long to count.
constexpr int kLanesCountedMax = 1000;

constexpr unsigned kLive =
    StateBit(RunState::kQueued) | StateBit(RunState::kRunning);
constexpr unsigned kRetriable =
    StateBit(RunState::kFailed) | StateBit(RunState::kCancelled);

RunId FirstOf(JobId job) { return RunId(job, 0); }
RunId LastOf(JobId job) { return RunId(job, (1 << RunId::kIndexBits) - 1); }

// Calls `use` with every run of the job in one of `states`, page by page.
template <class Use>
void ForEachRun(RunReads& runs, JobId job, unsigned states, Use use) {
  RunQuery query{FirstOf(job), LastOf(job), states, kPage};
  while (true) {
    std::vector<Run> page = runs.Runs(query);
    for (Run& run : page) use(run);
    if (static_cast<int>(page.size()) < kPage) return;
    query.first = RunId(page.back().id.value + 1);
  }
}

absl::Status CheckVersion(const Job& job, int64_t version) {
  if (version == 0 || version == job.version) return absl::OkStatus();
  return WithMetadata(
      Error(Reason::kEtagMismatch,
            absl::StrCat(NameOf(job.id), " has changed meanwhile")),
      "currentEtag", absl::StrCat(job.version));
}

// The runs of the job in one of `states`, from `from` on; and where to go on.
std::vector<Run> Slice(View& view, JobId job, std::optional<RunId> from,
                       unsigned states, int limit, std::optional<RunId>* next) {
  std::vector<Run> runs =
      view.Runs({from.value_or(FirstOf(job)), LastOf(job), states, limit});
  next->reset();
  if (static_cast<int>(runs.size()) == limit) {
    *next = RunId(runs.back().id.value + 1);
  }
  return runs;
}

// Cancels the job's `runs` that have not ended.
CancelCounts CancelRuns(Tx& tx, const Job& job, std::vector<Run> runs,
                        const CancelOptions& options) {
  CancelCounts counts;
  bool marked = false;
  RunChanges changes(tx, job.queue);
  for (Run& run : runs) {
    if (run.state == RunState::kQueued) {
      ++counts.cancelled;
      changes.Move(run, RunState::kCancelled);
    } else if (!options.keep_running) {
      ++counts.stopping;
      if (run.cancel_requested) continue;
      run.cancel_requested = true;
      tx.SaveRun(run);
      marked = true;
    }
  }
  if (marked) {
    tx.AppendEvent({.type = EventType::kCancelRequested,
                    .queue = job.queue,
                    .job = job.id,
                    .reason = options.reason});
  }
  changes.Commit({.type = EventType::kRunsChanged,
                  .job = job.id,
                  .reason = options.reason});
  counts.jobs = counts.cancelled + counts.stopping > 0 ? 1 : 0;
  return counts;
}

absl::Status CheckRoom(Tx& tx, const Job& job, int64_t more) {
  const std::optional<Queue> queue = tx.FindQueue(job.queue);
  if (!queue || queue->state == QueueState::kDraining) {
    return Error(Reason::kQueueDraining,
                 absl::StrCat("queues/", job.queue, " takes no work"));
  }
  const int64_t most = queue->settings.runs_max;
  if (most > 0 && queue->queued + queue->running + more > most) {
    return Error(
        Reason::kQueueFull,
        absl::StrCat("queues/", job.queue, " has no room for ", more, " runs"));
  }
  return absl::OkStatus();
}

void PutBack(Tx& tx, RunChanges& changes, Run run) {
  // If a run ended while it waited for another try, its last try is kept
  // already.
  const std::vector<Attempt> kept = tx.Attempts(run.id);
  const int last_kept = kept.empty() ? 0 : kept.back().attempt;
  if (run.attempt > last_kept) {
    tx.AddAttempt({.run = run.id,
                   .attempt = run.attempt,
                   .worker = run.worker,
                   .batch = run.batch,
                   .epoch = run.epoch,
                   .start_time = run.start_time,
                   .end_time = run.end_time,
                   .outcome = run.state,
                   .error = run.error});
  }
  run.failures = 0;
  run.crashes = 0;
  run.cancel_requested = false;
  run.run_time = tx.now();
  run.start_deadline = absl::InfiniteFuture();
  run.end_time = absl::InfinitePast();
  changes.Move(run, RunState::kQueued);
}

absl::StatusOr<int> Retry(Tx& tx, const Job& job, std::vector<Run> runs) {
  SHEAF_RETURN_IF_ERROR(CheckRoom(tx, job, static_cast<int64_t>(runs.size())));
  RunChanges changes(tx, job.queue);
  for (Run& run : runs) PutBack(tx, changes, std::move(run));
  changes.Commit(
      {.type = EventType::kRunsChanged, .job = job.id, .reason = "retried"});
  return static_cast<int>(runs.size());
}

absl::Status NothingToRetry(JobId job) {
  return Error(
      Reason::kNothingToRetry,
      absl::StrCat("no run of ", NameOf(job), " has failed or been cancelled"));
}

}  // namespace

absl::StatusOr<Job> FindJobOrError(JobReads& jobs, JobId id) {
  std::optional<Job> job = jobs.FindJob(id);
  if (job) return *std::move(job);
  // Ids go up: a missing id was a job once if it is not above the last one
  // given out.
  const bool was = id.value > 0 && id <= jobs.LastJob();
  return WithSubject(
      Error(Reason::kJobNotFound,
            was ? absl::StrCat(NameOf(id),
                               " was deleted, or its retention is over")
                : absl::StrCat("there never was a ", NameOf(id))),
      NameOf(id));
}

absl::StatusOr<Run> FindRunOrError(View& view, RunId id) {
  SHEAF_RETURN_IF_ERROR(FindJobOrError(view, id.job()).status());
  std::optional<Run> run = view.FindRun(id);
  if (run) return *std::move(run);
  return WithSubject(
      Error(Reason::kRunNotFound,
            absl::StrCat(NameOf(id.job()), " has no run ", id.index())),
      NameOf(id));
}

absl::Status AlreadyFinished(const std::string& name, bool keep_running) {
  return WithSubject(
      Error(Reason::kJobAlreadyFinished,
            absl::StrCat(name, keep_running ? " has no run that waits"
                                            : " has ended already")),
      name);
}

absl::StatusOr<CancelCounts> WouldCancel(View& view, JobId id,
                                         bool keep_running) {
  SHEAF_ASSIGN_OR_RETURN(const Job job, FindJobOrError(view, id));
  CancelCounts counts{.cancelled = job.counts.queued,
                      .stopping = keep_running ? 0 : job.counts.running};
  if (counts.cancelled + counts.stopping == 0) {
    return AlreadyFinished(NameOf(id), job.counts.running > 0);
  }
  counts.jobs = 1;
  return counts;
}

absl::StatusOr<CancelCounts> WouldCancel(View& view, RunId id,
                                         bool keep_running) {
  SHEAF_ASSIGN_OR_RETURN(const Run run, FindRunOrError(view, id));
  if (IsFinal(run.state)) return AlreadyFinished(NameOf(id), false);
  if (run.state == RunState::kQueued) return CancelCounts{1, 1, 0};
  if (keep_running) return AlreadyFinished(NameOf(id), true);
  return CancelCounts{1, 0, 1};
}

absl::StatusOr<CancelSlice> CancelSome(Tx& tx, JobId id,
                                       std::optional<RunId> from,
                                       const CancelOptions& options,
                                       const FilterExpr* filter, int limit) {
  CancelSlice slice;
  const std::optional<Job> job = tx.FindJob(id);
  if (filter != nullptr && (!job || !Matches(*filter, FactsOf(*job)))) {
    return slice;
  }
  if (!job) return FindJobOrError(tx, id).status();
  // Running runs that are left alone need not be read.
  const unsigned states =
      options.keep_running ? StateBit(RunState::kQueued) : kLive;
  slice.counts = CancelRuns(
      tx, *job, Slice(tx, id, from, states, limit, &slice.next), options);
  return slice;
}

absl::StatusOr<CancelCounts> CancelJob(Tx& tx, JobId id,
                                       const CancelOptions& options) {
  SHEAF_ASSIGN_OR_RETURN(const CancelCounts counts,
                         WouldCancel(tx, id, options.keep_running));
  std::optional<RunId> from;
  do {
    SHEAF_ASSIGN_OR_RETURN(const CancelSlice slice,
                           CancelSome(tx, id, from, options));
    from = slice.next;
  } while (from);
  return counts;
}

absl::StatusOr<CancelCounts> CancelRun(Tx& tx, RunId id,
                                       const CancelOptions& options) {
  SHEAF_RETURN_IF_ERROR(WouldCancel(tx, id, options.keep_running).status());
  SHEAF_ASSIGN_OR_RETURN(const Job job, FindJobOrError(tx, id.job()));
  SHEAF_ASSIGN_OR_RETURN(Run run, FindRunOrError(tx, id));
  return CancelRuns(tx, job, {std::move(run)}, options);
}

absl::StatusOr<RetrySlice> RetrySome(Tx& tx, JobId id,
                                     std::optional<RunId> from, int limit) {
  SHEAF_ASSIGN_OR_RETURN(const Job job, FindJobOrError(tx, id));
  if (!from) {
    const int64_t all = job.counts.failed + job.counts.cancelled;
    if (all == 0) return NothingToRetry(id);
    SHEAF_RETURN_IF_ERROR(CheckRoom(tx, job, all));
  }
  RetrySlice slice;
  std::vector<Run> runs = Slice(tx, id, from, kRetriable, limit, &slice.next);
  if (runs.empty()) return slice;
  SHEAF_ASSIGN_OR_RETURN(slice.count, Retry(tx, job, std::move(runs)));
  return slice;
}

absl::StatusOr<int> RetryJob(Tx& tx, JobId id) {
  int count = 0;
  std::optional<RunId> from;
  do {
    SHEAF_ASSIGN_OR_RETURN(const RetrySlice slice, RetrySome(tx, id, from));
    count += slice.count;
    from = slice.next;
  } while (from);
  return count;
}

absl::StatusOr<int> RetryRun(Tx& tx, RunId id) {
  SHEAF_ASSIGN_OR_RETURN(Run run, FindRunOrError(tx, id));
  SHEAF_ASSIGN_OR_RETURN(const Job job, FindJobOrError(tx, id.job()));
  if (!(kRetriable & StateBit(run.state))) return NothingToRetry(job.id);
  return Retry(tx, job, {std::move(run)});
}

absl::StatusOr<Job> UpdateJob(Tx& tx, JobId id, const JobPatch& patch) {
  SHEAF_ASSIGN_OR_RETURN(Job job, FindJobOrError(tx, id));
  SHEAF_RETURN_IF_ERROR(CheckVersion(job, patch.version));
  const Job before = job;
  const bool moves = patch.priority || patch.run_time || patch.start_deadline;
  if (moves && job.counts.queued == 0) {
    return WithSubject(
        Error(Reason::kJobNotWaiting,
              absl::StrCat(NameOf(id), " has no run that waits")),
        NameOf(id));
  }
  if (patch.priority) job.priority = *patch.priority;
  if (patch.labels) job.labels = *patch.labels;
  if (patch.run_time) job.run_time = std::max(*patch.run_time, tx.now());
  if (patch.start_deadline) job.start_deadline = *patch.start_deadline;
  if (patch.start_deadline && job.start_deadline <= tx.now()) {
    return InvalidArgument({{"job.start_deadline", "must lie in the future"}});
  }
  if ((patch.run_time || patch.start_deadline) &&
      job.start_deadline <= job.run_time) {
    return InvalidArgument(
        {{patch.start_deadline ? "job.start_deadline" : "job.run_time",
          "job.start_deadline must lie after job.run_time"}});
  }
  // Runs may wait for times of their own, so these are set in any case.
  if (!patch.run_time && !patch.start_deadline && job == before) return job;
  std::optional<Queue> queue = tx.FindQueue(job.queue);
  if (!queue) throw BrokenRow(absl::StrCat("there is no queues/", job.queue));
  if (moves) {
    ForEachRun(tx, id, StateBit(RunState::kQueued), [&](Run& run) {
      run.priority = job.priority;
      if (patch.run_time) run.run_time = job.run_time;
      if (patch.start_deadline) run.start_deadline = job.start_deadline;
      tx.SaveRun(run);
    });
    ++queue->revision;
    tx.SaveQueue(*queue);
  }
  ++job.version;
  tx.SaveJob(job);
  tx.AppendEvent(
      {.type = EventType::kJobUpdated, .queue = job.queue, .job = id});
  return job;
}

absl::Status DeleteJob(Tx& tx, JobId id, int64_t version) {
  SHEAF_ASSIGN_OR_RETURN(const Job job, FindJobOrError(tx, id));
  SHEAF_RETURN_IF_ERROR(CheckVersion(job, version));
  if (job.counts.live() > 0) {
    return WithSubject(
        Error(Reason::kJobNotFinished,
              absl::StrCat(NameOf(id), " still has ", job.counts.live(),
                           " unfinished runs; cancel it first")),
        NameOf(id));
  }
  tx.DeleteJob(id);
  tx.AppendEvent(
      {.type = EventType::kJobDeleted, .queue = job.queue, .job = id});
  return absl::OkStatus();
}

std::optional<int64_t> PositionOf(View& view, const Job& job) {
  if (job.counts.queued == 0) return std::nullopt;
  RunQuery query{FirstOf(job.id), LastOf(job.id), StateBit(RunState::kQueued),
                 1};
  std::vector<Run> waiting = view.Runs(query);
  if (waiting.empty()) return std::nullopt;
  if (waiting[0].run_time > job.run_time) {  // it was tried before
    query.limit = kPlacesMax;
    waiting = view.Runs(query);
  }
  // All have the job's priority; one that backs off waits behind the others.
  const Run& first = *std::min_element(
      waiting.begin(), waiting.end(), [](const Run& a, const Run& b) {
        return std::tie(a.run_time, a.id) < std::tie(b.run_time, b.id);
      });
  const ReadyPlace place{first.priority, first.run_time, first.id};
  int64_t before = 0;
  int lanes = 0;
  view.ForEachLane([&](const Lane& lane, const Run&) {
    if (lane.queue == job.queue) {
      before += view.CountReadyBefore(lane.id, place, kPositionMax - before);
    }
    return before < kPositionMax && ++lanes <= kLanesCountedMax;
  });
  if (lanes > kLanesCountedMax) return std::nullopt;
  return before;
}

}  // namespace sheaf
