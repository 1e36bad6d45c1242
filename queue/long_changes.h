// Changes that take many transactions, so that others get their turn in
// between: cancel, retry, purge.
//
// Each class is one such change under way, and a plain value. Its owner calls
// Look on a snapshot or Change on a transaction, as `next` says, until the
// change is done; an owner that gives up leaves the parts done so far. A call
// that fails spoils the value, so an owner whose closure may be run again keeps
// the value from before. One thread at a time.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "absl/status/status.h"
#include "queue/filter.h"
#include "queue/jobs.h"
#include "queue/store.h"

namespace sheaf {

enum class NextCall { kLook, kChange, kDone };

using JobOrRun = std::variant<JobId, RunId>;

// Cancels one job, one run, or all jobs that match a filter. The jobs that
// match are looked for on snapshots, a page at a time; each is cancelled only
// if it still matches. JOB_NOT_FOUND, RUN_NOT_FOUND, JOB_ALREADY_FINISHED for a
// single job or run.
class CancelChange {
 public:
  using Target = std::variant<JobId, RunId, std::shared_ptr<const FilterExpr>>;

  // A `rehearsal` only counts.
  CancelChange(Target target, CancelOptions options, bool rehearsal);

  // It ends work, so it is taken while the disk is full.
  static constexpr bool kMakesRoom = true;
  // Whether Look may look at a great part of the store.
  bool scans() const { return has_filter(); }

  NextCall next() const { return next_; }
  absl::Status Look(View& view);
  absl::Status Change(Tx& tx);

  const CancelCounts& counts() const { return counts_; }
  // Whether workers hold runs that must stop now.
  bool stops_runs() const { return !rehearsal_ && counts_.stopping > 0; }

 private:
  bool has_filter() const { return target_.index() == 2; }
  void LookForJobs(View& view, const FilterExpr& filter);
  absl::Status CancelJobs(Tx& tx, const FilterExpr* filter);
  // After the jobs of a page are done.
  void TurnPage() { next_ = page_end_ ? NextCall::kLook : NextCall::kDone; }

  Target target_;
  CancelOptions options_;
  bool rehearsal_ = false;
  NextCall next_ = NextCall::kLook;
  CancelCounts counts_;
  std::vector<JobId> jobs_;        // of this page, those that live
  std::optional<JobId> page_end_;  // where the next page begins after
  // The place where the next slice begins.
  size_t job_ = 0;
  std::optional<RunId> run_;
  bool job_counted_ = false;
};

// Puts failed and cancelled runs of a job, or the one run, back in line.
// NOTHING_TO_RETRY, QUEUE_DRAINING, QUEUE_FULL, *_NOT_FOUND.
class RetryChange {
 public:
  explicit RetryChange(JobOrRun target) : target_(target) {}

  static constexpr bool kMakesRoom = false;

  NextCall next() const { return next_; }
  absl::Status Change(Tx& tx);

  const Job& job() const { return job_; }  // as the last slice left it
  int64_t count() const { return count_; }

 private:
  JobOrRun target_;
  NextCall next_ = NextCall::kChange;
  std::optional<RunId> from_;
  Job job_;
  int64_t count_ = 0;
};

// Cancels all waiting runs of a queue. QUEUE_NOT_FOUND.
class PurgeChange {
 public:
  // A `rehearsal` only counts.
  PurgeChange(std::string queue, std::string actor, bool rehearsal)
      : queue_(std::move(queue)),
        actor_(std::move(actor)),
        next_(rehearsal ? NextCall::kLook : NextCall::kChange) {}

  static constexpr bool kMakesRoom = true;
  static constexpr bool scans() { return false; }

  NextCall next() const { return next_; }
  absl::Status Look(View& view);
  absl::Status Change(Tx& tx);

  int64_t count() const { return count_; }

 private:
  std::string queue_;
  std::string actor_;
  NextCall next_;
  int64_t count_ = 0;
};

}  // namespace sheaf
