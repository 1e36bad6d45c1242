// Waiting for jobs. Blocks; one thread.
#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "cli/support/context.h"
#include "sheaf/v1/job.pb.h"

namespace sheaf::cli {

bool HasEnded(const v1::Job& job);

// OK, or, if the job ended FAILED, a status that exits 8 and says how to see
// why.
absl::Status OutcomeOf(const v1::Job& job);

// Follows the job's events until it has ended, and returns it then. Shows a
// progress bar where standard error is a terminal, otherwise a line on standard
// error each time runs have ended; with `print_events`, prints the events on
// standard output instead of those lines.
absl::StatusOr<v1::Job> FollowJob(Context& context, const std::string& name,
                                  bool print_events);

}  // namespace sheaf::cli
