// The changes of one use case to runs of one queue: states move only here.
// Counts, revision and the event are written once, at the end.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "queue/store.h"

namespace sheaf {

class RunChanges {
 public:
  RunChanges(Tx& tx, std::string queue) : tx_(tx), queue_(std::move(queue)) {}

  // Moves `run` to `to`, stores it, and notes the change. The caller has set
  // all other fields. A move that the table of states forbids ends the process.
  void Move(Run& run, RunState to);

  // Ends a failed attempt: the run goes back in line or fails for good, as the
  // policy says; a run that was to be cancelled is cancelled. Counts the
  // failure.
  void Fail(Run& run, const RunError& error);
  // Puts the run back in line at its old place; no attempt is spent. Cancels it
  // instead where that was asked for.
  void HandBack(Run& run);

  bool empty() const { return changes_.empty(); }
  int64_t size() const { return static_cast<int64_t>(changes_.size()); }

  // Writes counts and revision, and appends `event` with the changes, in parts
  // of kRunsPerEventMax; the jobs that ended come with the last of them. Does
  // nothing where no run moved. BrokenRow where the queue is not there, or the
  // counts of a job, queue or owner are not those of its runs.
  void Commit(Event event);

 private:
  // Keeps the run's present attempt before the row forgets it.
  void KeepAttempt(const Run& run, RunState outcome);

  Tx& tx_;
  std::string queue_;
  bool line_changed_ = false;  // a run joined or left those that wait
  std::vector<RunChange> changes_;
  std::vector<std::pair<JobId, RunCounts>> deltas_;
};

}  // namespace sheaf
