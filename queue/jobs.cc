#include "queue/jobs.h"

#include <algorithm>
#include <tuple>

#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "queue/run_changes.h"

namespace sheaf {
namespace {

constexpr int64_t kPositionMax = 100'000;
constexpr int kPlacesMax = 1000;  // of a job's waiting runs, those looked at
constexpr int kPage = 1000;

constexpr unsigned kLive =
    StateBit(RunState::kQueued) | StateBit(RunState::kRunning);
constexpr unsigned kRetriable =
    StateBit(RunState::kFailed) | StateBit(RunState::kCancelled);

RunId FirstOf(JobId job) { return RunId(job, 0); }
RunId LastOf(JobId job) { return RunId(job, (1 << RunId::kIndexBits) - 1); }

// Calls `use` with every run of the job in one of `states`, page by page.
template <class Use>
void ForEachRun(View& view, JobId job, unsigned states, Use use) {
  RunQuery query{FirstOf(job), LastOf(job), states, kPage};
  while (true) {
    std::vector<Run> page = view.Runs(query);
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

void CancelOne(Tx& tx, RunChanges& changes, Run& run,
               const CancelOptions& options, CancelCounts* counts,
               bool* marked) {
  if (run.state == RunState::kQueued) {
    ++counts->cancelled;
    if (!options.validate_only) changes.Move(run, RunState::kCancelled);
  } else if (!options.keep_running) {
    ++counts->stopping;
    if (options.validate_only || run.cancel_requested) return;
    run.cancel_requested = true;
    tx.SaveRun(run);
    *marked = true;
  }
}

// Cancels what lives of `job`, or the one run of it.
CancelCounts CancelLive(Tx& tx, const Job& job, const Run* only,
                        const CancelOptions& options) {
  CancelCounts counts;
  bool marked = false;
  RunChanges changes(tx, job.queue);
  if (only != nullptr) {
    Run run = *only;
    CancelOne(tx, changes, run, options, &counts, &marked);
  } else {
    ForEachRun(tx, job.id, kLive, [&](Run& run) {
      CancelOne(tx, changes, run, options, &counts, &marked);
    });
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

absl::Status AlreadyFinished(const std::string& name, bool keep_running) {
  return WithSubject(
      Error(Reason::kJobAlreadyFinished,
            absl::StrCat(name, keep_running ? " has no run that waits"
                                            : " has ended already")),
      name);
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
  // A run that ended while it waited for another try has kept its last one.
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
  if (runs.empty()) {
    return Error(Reason::kNothingToRetry,
                 absl::StrCat("no run of ", NameOf(job.id),
                              " has failed or been cancelled"));
  }
  SHEAF_RETURN_IF_ERROR(CheckRoom(tx, job, static_cast<int64_t>(runs.size())));
  RunChanges changes(tx, job.queue);
  for (Run& run : runs) PutBack(tx, changes, std::move(run));
  changes.Commit(
      {.type = EventType::kRunsChanged, .job = job.id, .reason = "retried"});
  return static_cast<int>(runs.size());
}

}  // namespace

absl::StatusOr<Job> FindJobOrError(View& view, JobId id) {
  std::optional<Job> job = view.FindJob(id);
  if (job) return *std::move(job);
  // Ids go up: up to the last one given out, a missing one has been.
  const bool was = id.value > 0 && id <= view.LastJob();
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

absl::StatusOr<CancelCounts> CancelJob(Tx& tx, JobId id,
                                       const CancelOptions& options) {
  SHEAF_ASSIGN_OR_RETURN(const Job job, FindJobOrError(tx, id));
  const CancelCounts counts = CancelLive(tx, job, nullptr, options);
  if (counts.jobs == 0) {
    return AlreadyFinished(NameOf(id), job.counts.running > 0);
  }
  return counts;
}

absl::StatusOr<CancelCounts> CancelRun(Tx& tx, RunId id,
                                       const CancelOptions& options) {
  SHEAF_ASSIGN_OR_RETURN(const Run run, FindRunOrError(tx, id));
  SHEAF_ASSIGN_OR_RETURN(const Job job, FindJobOrError(tx, id.job()));
  if (IsFinal(run.state)) return AlreadyFinished(NameOf(id), false);
  const CancelCounts counts = CancelLive(tx, job, &run, options);
  if (counts.jobs == 0) return AlreadyFinished(NameOf(id), true);
  return counts;
}

CancelPage CancelMatching(Tx& tx, const FilterExpr& filter,
                          std::optional<JobId> after,
                          const CancelOptions& options, int runs_max) {
  CancelPage page;
  const std::vector<Job> jobs = tx.Jobs(
      {.filter = &filter, .after = after, .ascending = true, .limit = kPage});
  for (const Job& job : jobs) {
    page.next = job.id;
    if (job.counts.live() > 0) {
      const CancelCounts counts = CancelLive(tx, job, nullptr, options);
      page.counts.jobs += counts.jobs;
      page.counts.cancelled += counts.cancelled;
      page.counts.stopping += counts.stopping;
    }
    if (page.counts.cancelled + page.counts.stopping >= runs_max) return page;
  }
  if (static_cast<int>(jobs.size()) < kPage) page.next.reset();
  return page;
}

absl::StatusOr<int> RetryJob(Tx& tx, JobId id) {
  SHEAF_ASSIGN_OR_RETURN(const Job job, FindJobOrError(tx, id));
  std::vector<Run> runs;
  ForEachRun(tx, id, kRetriable,
             [&](Run& run) { runs.push_back(std::move(run)); });
  return Retry(tx, job, std::move(runs));
}

absl::StatusOr<int> RetryRun(Tx& tx, RunId id) {
  SHEAF_ASSIGN_OR_RETURN(Run run, FindRunOrError(tx, id));
  SHEAF_ASSIGN_OR_RETURN(const Job job, FindJobOrError(tx, id.job()));
  std::vector<Run> runs;
  if (kRetriable & StateBit(run.state)) runs.push_back(std::move(run));
  return Retry(tx, job, std::move(runs));
}

absl::StatusOr<Job> UpdateJob(Tx& tx, JobId id, const JobPatch& patch) {
  SHEAF_ASSIGN_OR_RETURN(Job job, FindJobOrError(tx, id));
  SHEAF_RETURN_IF_ERROR(CheckVersion(job, patch.version));
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
  if (moves) {
    ForEachRun(tx, id, StateBit(RunState::kQueued), [&](Run& run) {
      run.priority = job.priority;
      if (patch.run_time) run.run_time = job.run_time;
      if (patch.start_deadline) run.start_deadline = job.start_deadline;
      tx.SaveRun(run);
    });
    std::optional<Queue> queue = tx.FindQueue(job.queue);
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
                           " runs that live; cancel it first")),
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
  for (const auto& [lane, head] : view.LaneHeads()) {
    if (lane.queue != job.queue || before >= kPositionMax) continue;
    before += view.CountReadyBefore(lane.id, place, kPositionMax - before);
  }
  return before;
}

}  // namespace sheaf
