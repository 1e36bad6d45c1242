// How far a job is, in the words of one line. Values only; one thread.
#pragma once

#include <map>
#include <string>

#include "absl/time/time.h"
#include "sheaf/v1/job_service.pb.h"

namespace sheaf::cli {

// Runs that have ended, whichever way.
int EndedRuns(const v1::Job& job);
// "5/8 runs ended, 80% succeeded, 3 running, 1 failed".
std::string CountsText(const v1::Job& job);
// "step 12/30, ready in 5s; its batch: 3 running, 4 succeeded, 2.1 GiB": a run
// and the batch that makes it, as far as they are known.
std::string ProgressText(const v1::Progress& progress, absl::Time now);

// The running runs of a job that is followed.
class RunningRuns {
 public:
  // Takes a step, and forgets the runs of an event.
  void Take(const v1::WatchEventsResponse& message);
  // How many runs the steps make up together.
  double done() const;
  // "step 12/30, ready in 5s, 2.1 GiB": the run that is furthest behind, the
  // time at which the last of them should be done, and the memory that their
  // batches hold. Empty where no step is known.
  std::string Text(absl::Time now) const;

 private:
  std::map<std::string, v1::Progress> runs_;
};

}  // namespace sheaf::cli
