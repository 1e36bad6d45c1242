#include "queue/long_changes.h"

#include <utility>

#include "base/status.h"
#include "queue/job_lists.h"
#include "queue/queues.h"

namespace sheaf {
namespace {

// Jobs that one page finds and cancels.
constexpr int kJobsPerPage = 500;

void Add(const CancelCounts& more, CancelCounts* counts) {
  counts->jobs += more.jobs;
  counts->cancelled += more.cancelled;
  counts->stopping += more.stopping;
}

CancelCounts CountsOf(const Job& job, bool keep_running) {
  CancelCounts counts{.cancelled = job.counts.queued,
                      .stopping = keep_running ? 0 : job.counts.running};
  counts.jobs = counts.cancelled + counts.stopping > 0 ? 1 : 0;
  return counts;
}

}  // namespace

CancelChange::CancelChange(Target target, CancelOptions options, bool rehearsal)
    : target_(std::move(target)),
      options_(std::move(options)),
      rehearsal_(rehearsal) {
  if (!rehearsal && !has_filter()) next_ = NextCall::kChange;
}

absl::Status CancelChange::Look(View& view) {
  if (has_filter()) {
    LookForJobs(view, *std::get<2>(target_));
    return absl::OkStatus();
  }
  const JobId* job = std::get_if<JobId>(&target_);
  SHEAF_ASSIGN_OR_RETURN(
      counts_, job != nullptr ? WouldCancel(view, *job, options_.keep_running)
                              : WouldCancel(view, std::get<RunId>(target_),
                                            options_.keep_running));
  next_ = NextCall::kDone;
  return absl::OkStatus();
}

void CancelChange::LookForJobs(View& view, const FilterExpr& filter) {
  const JobPage page = ListJobs(view, {.filter = &filter,
                                       .after = page_end_,
                                       .ascending = true,
                                       .limit = kJobsPerPage});
  page_end_ = page.next;
  job_ = 0;
  jobs_.clear();
  for (const Job& job : page.jobs) {
    const CancelCounts counts = CountsOf(job, options_.keep_running);
    if (counts.jobs == 0) continue;
    jobs_.push_back(job.id);
    if (rehearsal_) Add(counts, &counts_);
  }
  if (rehearsal_ || jobs_.empty()) return TurnPage();
  next_ = NextCall::kChange;
}

absl::Status CancelChange::Change(Tx& tx) {
  if (const RunId* run = std::get_if<RunId>(&target_)) {
    SHEAF_ASSIGN_OR_RETURN(counts_, CancelRun(tx, *run, options_));
    next_ = NextCall::kDone;
    return absl::OkStatus();
  }
  if (has_filter()) return CancelJobs(tx, std::get<2>(target_).get());
  if (jobs_.empty()) {
    jobs_ = {std::get<JobId>(target_)};
    SHEAF_RETURN_IF_ERROR(
        WouldCancel(tx, jobs_[0], options_.keep_running).status());
  }
  return CancelJobs(tx, nullptr);
}

absl::Status CancelChange::CancelJobs(Tx& tx, const FilterExpr* filter) {
  int64_t room = kRunsPerSlice;
  while (room > 0 && job_ < jobs_.size()) {
    SHEAF_ASSIGN_OR_RETURN(CancelSlice slice,
                           CancelSome(tx, jobs_[job_], run_, options_, filter,
                                      static_cast<int>(room)));
    room -= slice.counts.cancelled + slice.counts.stopping + 1;
    if (std::exchange(job_counted_, job_counted_ || slice.counts.jobs > 0)) {
      slice.counts.jobs = 0;
    }
    Add(slice.counts, &counts_);
    run_ = slice.next;
    if (slice.next) return absl::OkStatus();
    job_counted_ = false;
    ++job_;
  }
  if (job_ == jobs_.size()) TurnPage();
  return absl::OkStatus();
}

absl::Status RetryChange::Change(Tx& tx) {
  JobId id;
  if (const RunId* run = std::get_if<RunId>(&target_)) {
    id = run->job();
    SHEAF_ASSIGN_OR_RETURN(count_, RetryRun(tx, *run));
  } else {
    id = std::get<JobId>(target_);
    SHEAF_ASSIGN_OR_RETURN(const RetrySlice slice, RetrySome(tx, id, from_));
    count_ += slice.count;
    from_ = slice.next;
  }
  if (!from_) next_ = NextCall::kDone;
  SHEAF_ASSIGN_OR_RETURN(job_, FindJobOrError(tx, id));
  return absl::OkStatus();
}

absl::Status PurgeChange::Look(View& view) {
  SHEAF_ASSIGN_OR_RETURN(const Queue queue, FindQueueOrError(view, queue_));
  count_ = queue.queued;
  next_ = NextCall::kDone;
  return absl::OkStatus();
}

absl::Status PurgeChange::Change(Tx& tx) {
  SHEAF_ASSIGN_OR_RETURN(const int count,
                         PurgeSome(tx, queue_, actor_, kRunsPerSlice));
  count_ += count;
  if (count < kRunsPerSlice) next_ = NextCall::kDone;
  return absl::OkStatus();
}

}  // namespace sheaf
